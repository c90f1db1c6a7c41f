/* exp, expm1, tanh, sigmoid, log, log1p and the normal distribution of four floats, from series.

   Largest errors over the whole range, in units of the last place (tests/backends/test_simd_functions.py
   measures them): exp 2, expm1 3, tanh 4, sigmoid 3, log 3, log1p of (0, 1] 3, normal 8. */

#ifndef LOOM_FUNCTIONS_H
#define LOOM_FUNCTIONS_H

#include "simd.h"

/* exp(x) = 2^n (1 + p) with n whole, |r| <= ln(2) / 2 and p = exp(r) - 1. */
typedef struct {
    i32x4 n;
    f32x4 p;
} Exponent;

/* |x| below 1e5. The series' next term is below 6e-9. */
INLINE Exponent exponent(f32x4 x)
{
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number */
    f32x4 shifted = multiply_add(x, splat(1.44269504f), splat(shift));
    f32x4 n = shifted - shift;
    /* ln(2) in two parts, of which the first has few bits: its products with n are exact. */
    f32x4 r = multiply_add(n, splat(-0.693359375f), x);
    r = multiply_add(n, splat(2.12194440e-4f), r);
    f32x4 q = multiply_add(r, splat(1.0f / 5040), splat(1.0f / 720));
    q = multiply_add(r, q, splat(1.0f / 120));
    q = multiply_add(r, q, splat(1.0f / 24));
    q = multiply_add(r, q, splat(1.0f / 6));
    q = multiply_add(r, q, splat(0.5f));
    u32x4 bits = (u32x4)shifted - (u32x4)splat(shift);
    return (Exponent){(i32x4)bits, multiply_add(r * r, q, r)};
}

/* 2^n for n from -126 to 127. */
INLINE f32x4 power_of_two(i32x4 n) { return (f32x4)(((u32x4)n + 127) << 23); }

/* Infinity above 88.8, 0 below -104. */
INLINE f32x4 exponential(f32x4 x)
{
    Exponent e = exponent(at_most(at_least(x, -105.0f), 90.0f));
    /* Twice the root of the scale: 2^128 and the smallest numbers lie outside one factor's range. */
    i32x4 half = e.n >> 1;
    return (e.p + 1.0f) * power_of_two(half) * power_of_two((i32x4)((u32x4)e.n - (u32x4)half));
}

/* exp(x) - 1 for x <= 0, exact to the last places near 0. */
INLINE f32x4 exponential_minus_1(f32x4 x)
{
    Exponent e = exponent(at_least(x, -60.0f));
    f32x4 scale = power_of_two(e.n);
    return multiply_add(scale, e.p, scale - 1.0f);
}

/* tanh|x| = -t / (2 + t) with t = exp(-2|x|) - 1. */
INLINE f32x4 hyperbolic_tangent(f32x4 x)
{
    f32x4 t = exponential_minus_1(absolute(x) * -2.0f);
    f32x4 y = -t / (t + 2.0f);
    return (f32x4)(((i32x4)y & 0x7fffffff) | ((i32x4)x & INT32_MIN));
}

/* 1 / (1 + exp(-x)); the exponential is of -|x| and cannot overflow. */
INLINE f32x4 sigmoid(f32x4 x)
{
    f32x4 e = exponential(-absolute(x));
    return select(x < splat(0.0f), e, splat(1.0f)) / (e + 1.0f);
}

/* 2 atanh(s) for |s| <= 1/3. The series' next term is below 2e-9 of the sum. */
INLINE f32x4 twice_area_tangent(f32x4 s)
{
    f32x4 z = s * s;
    f32x4 q = multiply_add(z, splat(2.0f / 15), splat(2.0f / 13));
    q = multiply_add(z, q, splat(2.0f / 11));
    q = multiply_add(z, q, splat(2.0f / 9));
    q = multiply_add(z, q, splat(2.0f / 7));
    q = multiply_add(z, q, splat(2.0f / 5));
    q = multiply_add(z, q, splat(2.0f / 3));
    return multiply_add(s * z, q, s * 2.0f);
}

/* ln(1 + e) for e from 0 to 1. */
INLINE f32x4 logarithm_of_1_plus(f32x4 e) { return twice_area_tangent(e / (e + 2.0f)); }

/* ln(x) for positive normal x; x = 2^n m with m from sqrt(1/2) to sqrt(2). */
INLINE f32x4 logarithm(f32x4 x)
{
    u32x4 bits = (u32x4)x - 0x3f3504f3; /* sqrt(1/2): n changes there */
    i32x4 n = (i32x4)bits >> 23;
    f32x4 m = (f32x4)((bits & 0x007fffff) + 0x3f3504f3);
    f32x4 count = __builtin_convertvector(n, f32x4);
    f32x4 y = twice_area_tangent((m - 1.0f) / (m + 1.0f));
    y = multiply_add(count, splat(-2.12194440e-4f), y);
    y = multiply_add(count, splat(0.693359375f), y);
    return select(x == x, y, x);
}

/* The share of the normal distribution below x, and its density there. */
typedef struct {
    f32x4 below, density;
} Normal;

/* The series is that of loom_core/normal_distribution.py, here to 1e-8: (1 + t) exp(t^2 / 2) times the
   share above t >= 0, in powers of u = (t - 4) / (t + 4). Beyond t = 15 that share is 0. */
SHARED Normal normal(f32x4 x)
{
    f32x4 t = at_most(absolute(x), 15.0f);
    /* exp(-t^2 / 2) in two factors: the square of 12 bits is exact, and what is left is small. */
    f32x4 high = (f32x4)((i32x4)t & -4096);
    f32x4 rest = (t - high) * (t + high) * -0.5f;
    f32x4 factor = multiply_add(rest, splat(1.0f / 24), splat(1.0f / 6));
    factor = multiply_add(rest, factor, splat(0.5f));
    factor = multiply_add(rest, factor, splat(1.0f));
    factor = multiply_add(rest, factor, splat(1.0f));
    f32x4 bell = exponential(high * high * -0.5f) * factor;
    f32x4 u = (t - 4.0f) / (t + 4.0f);
    f32x4 q = multiply_add(u, splat(1.25685467e-5f), splat(-5.80912353e-5f));
    q = multiply_add(u, q, splat(-8.45540179e-5f));
    q = multiply_add(u, q, splat(0.000664988692f));
    q = multiply_add(u, q, splat(-0.000291267495f));
    q = multiply_add(u, q, splat(-0.00498771425f));
    q = multiply_add(u, q, splat(0.0179376959f));
    q = multiply_add(u, q, splat(-0.0322011629f));
    q = multiply_add(u, q, splat(0.0286001681f));
    q = multiply_add(u, q, splat(0.0139999137f));
    q = multiply_add(u, q, splat(-0.0967034704f));
    q = multiply_add(u, q, splat(0.472053203f));
    f32x4 above = bell * q / (t + 1.0f);
    return (Normal){select(x < splat(0.0f), above, 1.0f - above), bell * 0.398942280f};
}

#endif
