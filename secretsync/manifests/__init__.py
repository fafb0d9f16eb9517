"""Kubernetes objects as plain dictionaries: which one it is, whether its names are legal, what a Secret holds.

Reading whole files is `manifests.reading`; sealing and unsealing are `sealed`, decrypting is `sops`.
"""
