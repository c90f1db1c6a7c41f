/* The activation functions on vectors, for every kernel that applies one. */

#ifndef LOOM_ACTIVATIONS_H
#define LOOM_ACTIVATIONS_H

#include "functions.h"

/* What the rows of loom_core/activations.py say, under the names and codes that they have there; a
   test compares. f_of(x) is the function, f_dx(dy, y) or f_dx(dy, x) its derivative times the
   gradient dy. Kernels make their switches of these lists.

   WITH_BIAS: inside the loops of a bias. */
#define WITH_BIAS(F) \
    F(scaled_relu, 0) \
    F(sigmoid, 1) \
    F(tanh, 2) \
    F(softplus, 3) \
    F(leaky_relu, 4) \
    F(plain_relu, 6)

/* After a bias: beside so much arithmetic one more pass is little, and the modules stay small. */
#define AFTER_BIAS(F) \
    F(gelu, 7) \
    F(gelu_tanh, 8) \
    F(silu, 9) \
    F(elu, 10)

#define ACTIVATIONS(F) WITH_BIAS(F) AFTER_BIAS(F)

/* Copies. */
enum { LINEAR = 5 };

/* y = f(x) for a function's code; y may be x. */
void activate(float *y, const float *x, extent count, int32_t code);

static const float SCALED_RELU_GAIN = 1.1f, LEAKY_SLOPE = 0.1f;
static const float GELU_SCALE = 1.59576912f, GELU_CUBE = 0.044715f;

/* Beyond it exp(-|x|) is 0, and an activation has reached its limits. */
static const float FAR = 105.0f;

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

INLINE f32x4 plain_relu_of(f32x4 x) { return at_least(x, 0.0f); }

INLINE f32x4 plain_relu_dx(f32x4 dy, f32x4 y)
{
    return dy * select(y > splat(0.0f), splat(1.0f), splat(0.0f));
}

INLINE f32x4 gelu_of(f32x4 x) { return at_least(x, -FAR) * normal(x).below; }

INLINE f32x4 gelu_dx(f32x4 dy, f32x4 x)
{
    Normal n = normal(x);
    return dy * (n.below + at_most(at_least(x, -FAR), FAR) * n.density);
}

/* x sigmoid(z) with z = scale x (1 + cube x^2), and its derivative s + x s (1 - s) z'(x). */
typedef struct {
    f32x4 value, slope;
} Gated;

SHARED Gated gated(f32x4 x, float scale, float cube)
{
    f32x4 near = at_most(at_least(x, -FAR), FAR), square = near * near;
    f32x4 z = near * (square * cube + 1.0f) * scale;
    f32x4 e = exponential(-absolute(z));
    f32x4 larger = 1.0f / (e + 1.0f), smaller = e * larger; /* s and 1 - s, neither of which cancels */
    f32x4 s = select(z < splat(0.0f), smaller, larger);
    f32x4 steepness = (square * (3.0f * cube) + 1.0f) * scale;
    return (Gated){at_least(x, -FAR) * s, s + near * (smaller * larger) * steepness};
}

INLINE f32x4 gelu_tanh_of(f32x4 x) { return gated(x, GELU_SCALE, GELU_CUBE).value; }

INLINE f32x4 gelu_tanh_dx(f32x4 dy, f32x4 x) { return dy * gated(x, GELU_SCALE, GELU_CUBE).slope; }

INLINE f32x4 silu_of(f32x4 x) { return gated(x, 1.0f, 0.0f).value; }

INLINE f32x4 silu_dx(f32x4 dy, f32x4 x) { return dy * gated(x, 1.0f, 0.0f).slope; }

INLINE f32x4 elu_of(f32x4 x)
{
    return select(x > splat(0.0f), x, exponential_minus_1(at_most(x, 0.0f)));
}

/* exp(x) = y + 1 */
INLINE f32x4 elu_dx(f32x4 dy, f32x4 y) { return dy * (at_most(y, 0.0f) + 1.0f); }

#endif
