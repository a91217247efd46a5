"""Feature networks: EfficientNet-Lite0 from a package, and Inception, CLIP and DINOv2 from a path or the hub."""
