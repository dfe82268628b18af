from tests.models import model, model_home

__all__ = ["model", "model_home"]
