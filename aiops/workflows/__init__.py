"""What runs for minutes: notebooks, pipeline stages, retraining, reports, the doctor."""
