"""What MLflow runs to load a registered detector (models from code: no pickle)."""

from mlflow.models import set_model

from aiops.serving.detector import ServedDetector

set_model(ServedDetector())
