"""Measures how close the student is to its teacher: picture by picture (`paired`) and over whole sets (`sets`).

`networks` turns pictures into features. A metric that is not a published one is named after its features
(`fd-efficientnet-lite0`), so that nobody mistakes it for FID or LPIPS.
"""
