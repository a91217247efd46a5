"""Feature networks: the packaged EfficientNet-Lite0, and by path or hub Inception, CLIP and DINOv2."""
