"""Other programs and web forms: JSON comes to `/hooks/<inbox>`, forms to `/forms/<inbox>`; answers are called back."""

from channels.api.channel import ApiChannel

CHANNEL = ApiChannel

__all__ = ["CHANNEL", "ApiChannel"]
