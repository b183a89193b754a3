"""Colours that stay apart for every kind of colour blindness (Okabe and Ito, 2008)."""

REFERENCE = "#0072B2"
CURRENT = "#D55E00"
QUIET = "#999999"
DECISIONS = {"approve": "#009E73", "refer": "#E69F00", "refuse": "#D55E00"}
OTHERS = ["#0072B2", "#CC79A7", "#56B4E9"]
BAND_SIGNS = {"none": "steady", "small": "▲ small", "moderate": "▲▲ moderate", "large": "▲▲▲ large"}
"""Never colour alone: the band is told in signs and words."""
