"""Recordings of high-speed cameras: Photron and Phantom."""
