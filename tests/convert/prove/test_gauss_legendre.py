"""Gauss-Legendre rules: against numpy's, against what they integrate, and the server's table."""

import re

import numpy as np
import pytest

from convert.prove.gauss_legendre import rule
from tests.conftest import ROOT

SIZES = range(4, 65, 4)


@pytest.mark.parametrize("points", SIZES)
def test_a_rule_is_numpys_to_the_last_digits_and_integrates_its_polynomials(points: int) -> None:
    t, weight = rule(points)
    x, w = np.polynomial.legendre.leggauss(points)
    assert np.abs(t - (1 + x) / 2).max() < 1e-15
    assert np.abs(weight - w / 2).max() < 1e-14
    for degree in range(2 * points):
        assert abs((weight * t**degree).sum() * (degree + 1) - 1) < 1e-13


def test_the_first_rule_has_the_numbers_of_the_textbook() -> None:
    t, weight = rule(4)
    inner, outer = np.sqrt(3 / 7 - 2 / 7 * np.sqrt(6 / 5)), np.sqrt(3 / 7 + 2 / 7 * np.sqrt(6 / 5))
    assert np.allclose(t, (1 + np.array([-outer, -inner, inner, outer])) / 2, rtol=1e-15)
    heavy, light = (18 + np.sqrt(30)) / 72, (18 - np.sqrt(30)) / 72
    assert np.allclose(weight, [light, heavy, heavy, light], rtol=1e-15)


def test_the_servers_table_holds_the_same_bits() -> None:
    table = (ROOT / "server" / "engine" / "native" / "points.h").read_text()
    found = [
        (float.fromhex(t), float.fromhex(w)) for t, w in re.findall(r"\{(0x\S+), (0x\S+)\},", table)
    ]
    halves = [
        pair
        for points in SIZES
        for pair in zip(*(each[: points // 2].tolist() for each in rule(points)), strict=True)
    ]
    assert found == halves
