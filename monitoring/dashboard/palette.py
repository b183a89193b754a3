"""Colours that stay apart for every kind of colour blindness (Okabe and Ito, 2008)."""

REFERENCE = "#0072B2"
CURRENT = "#D55E00"
QUIET = "#999999"
INK = "#31333F"
DECISIONS = {"approve": "#009E73", "refer": "#E69F00", "refuse": "#D55E00"}
OTHERS = ["#0072B2", "#CC79A7", "#56B4E9"]
BAND_SIGNS = {"none": "steady", "small": "▲ small", "moderate": "▲▲ moderate", "large": "▲▲▲ large"}
"""Never colour alone: the band is told in signs and words."""
BAND_CELLS = {
    "small": "background-color: #FFF3CD; color: #31333F",
    "moderate": "background-color: #FFD08A; color: #31333F",
    "large": "background-color: #A32A00; color: #FFFFFF; font-weight: bold",
}
"""The larger, the darker: told apart in grey, too."""
