"""Serving a vision-language model on vLLM: profiles, start, health, end. `serve` and `profile` are what others use."""

from judges.vlm.serving.profiles import Profile, profile, profiles
from judges.vlm.serving.server import Server, serve
from judges.vlm.serving.sleep import sleep, wake

__all__ = ["Profile", "Server", "profile", "profiles", "serve", "sleep", "wake"]
