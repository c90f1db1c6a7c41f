/* Arithmetic and the activation functions. The output may lie in the memory of the
   first input. Parameters: count, then what the op says. */

#include "activations.h"
#include "record.h"

typedef f32x4 Function(f32x4 a, f32x4 b);

/* y[i] = f(a[i], b[i]) */
INLINE void each_pair(float *y, const float *a, const float *b, extent count, Function *f)
{
    extent i = 0;
    for (; i + 4 <= count; i += 4) store(y + i, f(load(a + i), load(b + i)));
    if (i < count)
        store_part(y + i, f(load_part(a + i, count - i), load_part(b + i, count - i)), count - i);
}

/* y[i] = f(x[i], constant) */
INLINE void each(float *y, const float *x, f32x4 constant, extent count, Function *f)
{
    extent i = 0;
    for (; i + 4 <= count; i += 4) store(y + i, f(load(x + i), constant));
    if (i < count) store_part(y + i, f(load_part(x + i, count - i), constant), count - i);
}

INLINE f32x4 sum_of(f32x4 a, f32x4 b) { return a + b; }

INLINE f32x4 product_of(f32x4 a, f32x4 b) { return a * b; }

/* y = a + b */
void run_add(const int32_t *node, float *scratch)
{
    (void)scratch;
    each_pair(buffer(node, 2), buffer(node, 0), buffer(node, 1), whole(node, 0), sum_of);
}

/* y = a b */
void run_mul(const int32_t *node, float *scratch)
{
    (void)scratch;
    each_pair(buffer(node, 2), buffer(node, 0), buffer(node, 1), whole(node, 0), product_of);
}

/* y = factor x; parameter 1 is the factor */
void run_scale(const int32_t *node, float *scratch)
{
    (void)scratch;
    each(buffer(node, 1), buffer(node, 0), splat(real(node, 1)), whole(node, 0), product_of);
}

INLINE f32x4 quotient_of(f32x4 a, f32x4 b) { return a / b; }

INLINE f32x4 root_of(f32x4 x, f32x4 unused)
{
    (void)unused;
    return square_root(x);
}

/* 0 and NaN stay what they are. */
INLINE f32x4 sign_of(f32x4 x, f32x4 unused)
{
    (void)unused;
    return select(x > splat(0.0f), splat(1.0f), select(x < splat(0.0f), splat(-1.0f), x));
}

/* y = a / b */
void run_div(const int32_t *node, float *scratch)
{
    (void)scratch;
    each_pair(buffer(node, 2), buffer(node, 0), buffer(node, 1), whole(node, 0), quotient_of);
}

/* y = sqrt(x) */
void run_sqrt(const int32_t *node, float *scratch)
{
    (void)scratch;
    each(buffer(node, 1), buffer(node, 0), splat(0.0f), whole(node, 0), root_of);
}

/* y = -1, 0 or 1 */
void run_sign(const int32_t *node, float *scratch)
{
    (void)scratch;
    each(buffer(node, 1), buffer(node, 0), splat(0.0f), whole(node, 0), sign_of);
}

#define ALONE(name, code) \
    INLINE f32x4 name##_alone(f32x4 x, f32x4 unused) \
    { \
        (void)unused; \
        return name##_of(x); \
    }

ACTIVATIONS(ALONE)

void activate(float *y, const float *x, extent count, int32_t code)
{
    const f32x4 none = splat(0.0f);
#define CASE(name, code) \
    case code: each(y, x, none, count, name##_alone); break;
    switch (code) {
        ACTIVATIONS(CASE)
    default: copy(y, x, count);
    }
#undef CASE
}

/* y = f(x); parameter 1 is the function's code */
void run_activate(const int32_t *node, float *scratch)
{
    (void)scratch;
    activate(buffer(node, 1), buffer(node, 0), whole(node, 0), (int32_t)whole(node, 1));
}

/* dx = dy f'(x), from v = y or x as the function wants; parameter 1 is its code */
void run_activate_dx(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *dy = buffer(node, 0), *v = buffer(node, 1);
    float *dx = buffer(node, 2);
    const extent count = whole(node, 0);
#define CASE(name, code) \
    case code: each_pair(dx, dy, v, count, name##_dx); break;
    switch (whole(node, 1)) {
        ACTIVATIONS(CASE)
    default: copy(dx, dy, count);
    }
#undef CASE
}
