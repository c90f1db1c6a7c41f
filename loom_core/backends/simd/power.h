/* Real powers in double precision, one number at a time, for what is iterated to convergence. */

#ifndef LOOM_POWER_H
#define LOOM_POWER_H

#include "simd.h"

/* Functions of many instructions, called from several loops: copies of them would only be size. */
#define APART static __attribute__((noinline))

typedef union {
    double value;
    int64_t bits;
} Double;

/* exp(x) for |x| below 700 (less gives 0): 2^n times a series whose next term is below 1e-17. */
APART double exponential_double(double x)
{
    if (x < -700.0) return 0.0;
    const double n = (double)(int64_t)(x * 1.4426950408889634 + (x < 0.0 ? -0.5 : 0.5));
    const double r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    double series = 1.0;
    for (int k = 13; k > 0; k--) series = 1.0 + series * r / (double)k;
    const Double scale = {.bits = ((int64_t)n + 1023) << 52};
    return series * scale.value;
}

/* ln(x) for positive normal x: n ln(2) + 2 atanh(s), s = (m - 1) / (m + 1). */
APART double logarithm_double(double x)
{
    Double m = {.value = x};
    const int64_t n = (m.bits - 0x3fe6a09e667f3bcd) >> 52; /* sqrt(1/2): n changes there */
    m.bits -= n * ((int64_t)1 << 52);
    const double s = (m.value - 1.0) / (m.value + 1.0), z = s * s;
    double series = 0.0;
    for (int k = 21; k > 0; k -= 2) series = series * z + 2.0 / (double)k;
    return (double)n * 0.693147180559945309417 + s * series;
}

/* x^power for positive x, else 0 (a NaN stays). */
APART double power_of_positive(double x, double power)
{
    if (x <= 0.0) return 0.0;
    if (power == 1.0) return x;
    if (power == 2.0) return x * x;
    if (x < 1e-300) return 0.0;
    return x == x ? exponential_double(power * logarithm_double(x)) : x;
}

#endif
