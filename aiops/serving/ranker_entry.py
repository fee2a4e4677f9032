"""What MLflow runs to load a registered ranker (models from code: no pickle)."""

from mlflow.models import set_model

from aiops.serving.ranker import ServedRanker

set_model(ServedRanker())
