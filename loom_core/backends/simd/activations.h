/* The activation functions on vectors, for every kernel that applies one. */

#ifndef LOOM_ACTIVATIONS_H
#define LOOM_ACTIVATIONS_H

#include "functions.h"

/* By the codes of loom_core.activations; each has its derivative, in terms of the output y, beside
   it, times the gradient dy. */
enum { SCALED_RELU, SIGMOID, TANH, SOFTPLUS, LEAKY_RELU, LINEAR };

static const float SCALED_RELU_GAIN = 1.1f, LEAKY_SLOPE = 0.1f;

INLINE f32x4 scaled_relu(f32x4 x, f32x4 unused)
{
    (void)unused;
    return at_least(x, 0.0f) * SCALED_RELU_GAIN;
}

INLINE f32x4 scaled_relu_dx(f32x4 dy, f32x4 y)
{
    return dy * select(y > splat(0.0f), splat(SCALED_RELU_GAIN), splat(0.0f));
}

INLINE f32x4 sigmoid_of(f32x4 x, f32x4 unused)
{
    (void)unused;
    return sigmoid(x);
}

INLINE f32x4 sigmoid_dx(f32x4 dy, f32x4 y) { return dy * (y * (1.0f - y)); }

INLINE f32x4 tanh_of(f32x4 x, f32x4 unused)
{
    (void)unused;
    return hyperbolic_tangent(x);
}

INLINE f32x4 tanh_dx(f32x4 dy, f32x4 y) { return dy * (1.0f - y * y); }

/* max(x, 0) + ln(1 + exp(-|x|)) */
INLINE f32x4 softplus(f32x4 x, f32x4 unused)
{
    (void)unused;
    return at_least(x, 0.0f) + logarithm_of_1_plus(exponential(-absolute(x)));
}

/* sigmoid(x) = 1 - exp(-y) */
INLINE f32x4 softplus_dx(f32x4 dy, f32x4 y) { return dy * -exponential_minus_1(-y); }

INLINE f32x4 leaky_relu(f32x4 x, f32x4 unused)
{
    (void)unused;
    return select(x < splat(0.0f), x * LEAKY_SLOPE, x);
}

INLINE f32x4 leaky_relu_dx(f32x4 dy, f32x4 y)
{
    return dy * select(y < splat(0.0f), splat(LEAKY_SLOPE), splat(1.0f));
}

#endif
