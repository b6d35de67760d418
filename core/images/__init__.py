"""The one reader of X-ray images, for training and prediction alike."""
