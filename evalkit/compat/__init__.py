"""What makes other projects' packages work together: torchvision beside a CPU build of torch, the small Qwen models."""
