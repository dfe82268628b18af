"""Language models, each behind the one port `helpdesk.ports.LanguageModel`. The desk works without any."""
