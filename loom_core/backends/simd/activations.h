/* The activation functions on vectors, for every kernel that applies one. */

#ifndef LOOM_ACTIVATIONS_H
#define LOOM_ACTIVATIONS_H

#include "functions.h"

/* What the rows of loom_core/activations.py say, under the names and codes that they have there; a
   test compares. f_of(x) is the function, f_dx(dy, y) or f_dx(dy, x) its derivative times the
   gradient dy. A kernel makes its switch of this list; the linear function copies. */
#define ACTIVATIONS(F) \
    F(scaled_relu, 0) \
    F(sigmoid, 1) \
    F(tanh, 2) \
    F(softplus, 3) \
    F(leaky_relu, 4)

static const float SCALED_RELU_GAIN = 1.1f, LEAKY_SLOPE = 0.1f;

INLINE f32x4 scaled_relu_of(f32x4 x) { return at_least(x, 0.0f) * SCALED_RELU_GAIN; }

INLINE f32x4 scaled_relu_dx(f32x4 dy, f32x4 y)
{
    return dy * select(y > splat(0.0f), splat(SCALED_RELU_GAIN), splat(0.0f));
}

INLINE f32x4 sigmoid_of(f32x4 x) { return sigmoid(x); }

INLINE f32x4 sigmoid_dx(f32x4 dy, f32x4 y) { return dy * (y * (1.0f - y)); }

INLINE f32x4 tanh_of(f32x4 x) { return hyperbolic_tangent(x); }

INLINE f32x4 tanh_dx(f32x4 dy, f32x4 y) { return dy * (1.0f - y * y); }

/* max(x, 0) + ln(1 + exp(-|x|)) */
INLINE f32x4 softplus_of(f32x4 x)
{
    return at_least(x, 0.0f) + logarithm_of_1_plus(exponential(-absolute(x)));
}

/* sigmoid(x) = 1 - exp(-y) */
INLINE f32x4 softplus_dx(f32x4 dy, f32x4 y) { return dy * -exponential_minus_1(-y); }

INLINE f32x4 leaky_relu_of(f32x4 x) { return select(x < splat(0.0f), x * LEAKY_SLOPE, x); }

INLINE f32x4 leaky_relu_dx(f32x4 dy, f32x4 y)
{
    return dy * select(y < splat(0.0f), splat(LEAKY_SLOPE), splat(1.0f));
}

#endif
