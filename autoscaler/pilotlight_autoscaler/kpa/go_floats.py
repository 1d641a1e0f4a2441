"""Go's floating point on amd64, where Python's gives other bits or raises."""

import math
from fractions import Fraction

INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1


def ceil(x: float) -> float:
    """``math.Ceil``: infinities stay."""
    return float(math.ceil(x)) if math.isfinite(x) else x


def floor(x: float) -> float:
    """``math.Floor``: infinities stay."""
    return float(math.floor(x)) if math.isfinite(x) else x


def round_away(x: float) -> float:
    """``math.Round``: halves go away from zero."""
    rest, whole = math.modf(x)
    return whole + math.copysign(1.0, x) if abs(rest) >= 0.5 else whole


def int32(x: float) -> int:
    """The conversion ``int32(x)``: what does not fit becomes the smallest number."""
    if math.isfinite(x) and INT32_MIN <= (whole := math.trunc(x)) <= INT32_MAX:
        return whole
    return INT32_MIN


def power(x: float, y: float) -> float:
    """``math.Pow`` for 0 < x < 1 and 0 < y that is 0.5, below 0.5, or whole.

    Raises:
        ValueError: The arguments are outside of what windows ask for.
    """
    if not 0 < x < 1 or not y >= 0 or (y > 0.5 and y != math.floor(y)):
        raise ValueError(f"no power {y} of {x}")
    if y in (0.0, 1.0):
        return x if y else 1.0
    if y == 0.5:
        return math.sqrt(x)
    return _whole_power(x, int(y)) if y > 0.5 else _exponential(y * _logarithm(x))


def _whole_power(x: float, y: int) -> float:
    """By squaring, with the powers of two apart (``math/pow.go``)."""
    result, result_exponent = 1.0, 0
    base, exponent = math.frexp(x)
    while y:
        if not -(1 << 12) <= exponent <= 1 << 12:
            result_exponent += exponent
            break
        if y & 1:
            result *= base
            result_exponent += exponent
        base *= base
        exponent *= 2
        if base < 0.5:
            base += base
            exponent -= 1
        y >>= 1
    return math.ldexp(result, result_exponent)


_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG_ODD = (
    1.479819860510658591e-01,
    1.818357216161805012e-01,
    2.857142874366239149e-01,
    6.666666666666735130e-01,
)
_LOG_EVEN = (1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01)


def _logarithm(x: float) -> float:
    """``math/log_amd64.s``: FreeBSD's polynomial, in the order of its operations."""
    fraction, exponent = math.frexp(x)
    if fraction <= math.sqrt(0.5):
        fraction, exponent = fraction * 2, exponent - 1
    f = fraction - 1.0
    s = f / (2.0 + f)
    square = s * s
    fourth = square * square
    odd = even = 0.0
    for coefficient in _LOG_ODD:
        odd = odd * fourth + coefficient
    for coefficient in _LOG_EVEN:
        even = even * fourth + coefficient
    series = square * odd + fourth * even
    half = 0.5 * f * f
    return exponent * _LN2_HIGH - ((half - (s * (half + series) + exponent * _LN2_LOW)) - f)


_LN2_UPPER, _LN2_LOWER = 0.69314718055966295651, 0.28235290563031577122588448175013436e-12
_TAYLOR = (
    1.9841269841269841270e-4,
    1.3888888888888888889e-3,
    8.3333333333333333333e-3,
    4.1666666666666666667e-2,
    1.6666666666666666667e-1,
    0.5,
    1.0,
)


def _exponential(x: float) -> float:
    """``math/exp_amd64.s`` on a processor with fused multiply-add, which every server has."""
    exponent = round(x * 1.4426950408889634074)
    rest = _fused(-float(exponent), _LN2_UPPER, x)
    rest = _fused(-float(exponent), _LN2_LOWER, rest) * 0.0625
    series = 2.4801587301587301587e-5
    for coefficient in _TAYLOR:
        series = _fused(series, rest, coefficient)
    grown = rest * series
    for _ in range(3):
        grown *= grown + 2.0
    return math.ldexp(_fused(grown + 2.0, grown, 1.0), exponent)


def _fused(a: float, b: float, c: float) -> float:
    """``a * b + c``, rounded once."""
    return float(Fraction(a) * Fraction(b) + Fraction(c))
