"""How near the student comes to its teacher: picture by picture (`paired`), and as a whole (`sets`).

`networks` turns pictures into features. Whatever is no published metric is named by its features
(`fd-efficientnet-lite0`), so that nobody takes it for FID or LPIPS.
"""
