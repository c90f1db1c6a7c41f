/* Optimizer steps: parameters change in place, each array read and written once. The formulas, and
   the order of the numbers in hyper, are loom_core.graph.ops.updates's. Buffers: w, dw, the
   optimizer's state, hyper (8), scale (1); where scale is NaN nothing changes. Parameters of a
   record: count, decay, and nesterov for momentum. running_mean has a mean for w and what is taken
   up for dw; its second parameter is a place in hyper. */

#include "record.h"
#include "reductions.h"

/* The numbers of one step. */
typedef struct {
    float rate, momentum, fresh, fresh_squares, decay, epsilon, mean_correction, root_correction;
    float scale;
    extent count;
} Step;

/* hyper and scale stand behind the arrays. Decay is 0 where the weights do not decay. */
INLINE Step step_of(const int32_t *node, int arrays)
{
    const float *h = buffer(node, arrays), decay = whole(node, 1) ? h[4] : 0.0f;
    return (Step){h[0], h[1], h[2], h[3], decay, h[5], h[6], h[7], *buffer(node, arrays + 1),
                  whole(node, 0)};
}

INLINE int must_not_happen(Step step) { return step.scale != step.scale; }

/* Four numbers, or fewer at the end of an array. */
INLINE f32x4 load_up_to(const float *p, extent count)
{
    return count >= 4 ? load(p) : load_part(p, count);
}

INLINE void store_up_to(float *p, f32x4 x, extent count)
{
    if (count >= 4)
        store(p, x);
    else
        store_part(p, x, count);
}

/* Run a block for i = 0, 4, 8 ...; count is 4, and at the end what is left. */
#define FOR_FOURS(total, ...)                                                                      \
    do {                                                                                           \
        extent i = 0;                                                                              \
        for (; i + 4 <= (total); i += 4) {                                                         \
            const extent count = 4;                                                                \
            __VA_ARGS__                                                                            \
        }                                                                                          \
        if (i < (total)) {                                                                         \
            const extent count = (total)-i;                                                        \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    } while (0)

/* g = scale dw + decay w */
INLINE f32x4 gradient(f32x4 w, f32x4 dw, Step step) { return dw * step.scale + w * step.decay; }

/* Take g^2 up into the mean of squares, and return g over its root. */
INLINE f32x4 normalised(f32x4 *squares, f32x4 g, Step step)
{
    *squares += (g * g - *squares) * step.fresh_squares;
    return g / (square_root(*squares) + step.epsilon);
}

/* Sum of g[i]^2: floats within a block, double beyond. Four sums go side by side, because one would
   wait for itself at every step; dot does without, where rows are short. */
static double sum_of_squares(const float *g, extent count)
{
    double whole_sum = 0.0;
    extent start = 0;
    for (; start + SUM_BLOCK <= count; start += SUM_BLOCK) {
        f32x4 sums[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
        for (extent i = start; i < start + SUM_BLOCK; i += 16)
            for (int v = 0; v < 4; v++) {
                const f32x4 x = load(g + i + 4 * v);
                sums[v] = multiply_add(x, x, sums[v]);
            }
        whole_sum += (double)total((sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
    return whole_sum + dot(g + start, g + start, count - start);
}

/* norms[i] = sum(g_i^2). Parameters: the count of each g. */
void run_squared_norms(const int32_t *node, float *scratch)
{
    (void)scratch;
    const int arrays = (int)node[2] - 1;
    float *norms = buffer(node, arrays);
    for (int i = 0; i < arrays; i++) {
        const float *g = buffer(node, i);
        norms[i] = (float)sum_of_squares(g, whole(node, i));
    }
}

INLINE int finite(float x) { return x - x == 0.0f; }

/* norm = sqrt(sum(norms)); scale clips it to limit, or is NaN where the step must not happen.
   Buffers: loss, norms, limit, halted, scale, norm. Parameters: the count of norms. */
void run_step_scale(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float loss = *buffer(node, 0), limit = *buffer(node, 2);
    float *halted = buffer(node, 3), *scale = buffer(node, 4);
    const float norm = (float)__builtin_sqrt(sum(buffer(node, 1), whole(node, 0)));
    *buffer(node, 5) = norm;
    if (*halted != 0.0f || !finite(loss) || !finite(norm)) {
        *halted = 1.0f;
        *scale = __builtin_nanf("");
    } else {
        *scale = limit > 0.0f && norm > limit ? limit / norm : 1.0f;
    }
}

/* mean += share (x - mean) */
void run_running_mean(const int32_t *node, float *scratch)
{
    (void)scratch;
    float *mean = buffer(node, 0);
    const float *x = buffer(node, 1), *hyper = buffer(node, 2), scale = *buffer(node, 3);
    const f32x4 share = splat(hyper[whole(node, 1)]);
    if (scale != scale) return;
    FOR_FOURS(whole(node, 0), {
        const f32x4 old = load_up_to(mean + i, count);
        store_up_to(mean + i, old + (load_up_to(x + i, count) - old) * share, count);
    });
}

/* w -= rate (direction + decay w) */
void run_descend(const int32_t *node, float *scratch)
{
    (void)scratch;
    float *w = buffer(node, 0);
    const float *direction = buffer(node, 1);
    const Step step = step_of(node, 2);
    if (must_not_happen(step)) return;
    FOR_FOURS(step.count, {
        const f32x4 old = load_up_to(w + i, count);
        const f32x4 change = load_up_to(direction + i, count) + old * step.decay;
        store_up_to(w + i, old - change * step.rate, count);
    });
}

/* w -= rate g */
void run_sgd(const int32_t *node, float *scratch)
{
    (void)scratch;
    float *w = buffer(node, 0);
    const float *dw = buffer(node, 1);
    const Step step = step_of(node, 2);
    if (must_not_happen(step)) return;
    FOR_FOURS(step.count, {
        const f32x4 old = load_up_to(w + i, count);
        const f32x4 g = gradient(old, load_up_to(dw + i, count), step);
        store_up_to(w + i, old - g * step.rate, count);
    });
}

/* v = momentum v + fresh g; w -= rate v, or rate (g + momentum v) for Nesterov's */
void run_momentum(const int32_t *node, float *scratch)
{
    (void)scratch;
    float *w = buffer(node, 0), *v = buffer(node, 2);
    const float *dw = buffer(node, 1);
    const Step step = step_of(node, 3);
    if (must_not_happen(step)) return;
    const float ahead = whole(node, 2) ? 1.0f : 0.0f;
    const float velocity = whole(node, 2) ? step.momentum : 1.0f;
    FOR_FOURS(step.count, {
        const f32x4 old = load_up_to(w + i, count);
        const f32x4 g = gradient(old, load_up_to(dw + i, count), step);
        const f32x4 u = load_up_to(v + i, count) * step.momentum + g * step.fresh;
        store_up_to(v + i, u, count);
        store_up_to(w + i, old - (g * ahead + u * velocity) * step.rate, count);
    });
}

/* m += fresh (g - m); v += fresh_squares (g^2 - v); decay is apart from both */
void run_adamw(const int32_t *node, float *scratch)
{
    (void)scratch;
    float *w = buffer(node, 0), *m = buffer(node, 2), *v = buffer(node, 3);
    const float *dw = buffer(node, 1);
    const Step step = step_of(node, 4);
    if (must_not_happen(step)) return;
    const float rate = step.rate * step.mean_correction, decay = step.rate * step.decay;
    FOR_FOURS(step.count, {
        const f32x4 old = load_up_to(w + i, count), g = load_up_to(dw + i, count) * step.scale;
        f32x4 mean = load_up_to(m + i, count), squares = load_up_to(v + i, count);
        mean += (g - mean) * step.fresh;
        squares += (g * g - squares) * step.fresh_squares;
        store_up_to(m + i, mean, count);
        store_up_to(v + i, squares, count);
        const f32x4 root = square_root(squares) * step.root_correction + step.epsilon;
        store_up_to(w + i, old - (mean * rate / root + old * decay), count);
    });
}

/* s += fresh_squares (g^2 - s); w -= rate g / (sqrt(s) + epsilon) */
void run_rmsprop(const int32_t *node, float *scratch)
{
    (void)scratch;
    float *w = buffer(node, 0), *s = buffer(node, 2);
    const float *dw = buffer(node, 1);
    const Step step = step_of(node, 3);
    if (must_not_happen(step)) return;
    FOR_FOURS(step.count, {
        const f32x4 old = load_up_to(w + i, count);
        const f32x4 g = gradient(old, load_up_to(dw + i, count), step);
        f32x4 squares = load_up_to(s + i, count);
        store_up_to(w + i, old - normalised(&squares, g, step) * step.rate, count);
        store_up_to(s + i, squares, count);
    });
}

/* s as in rmsprop; b = momentum b + g / (sqrt(s) + epsilon); w -= rate b */
void run_rmsprop_momentum(const int32_t *node, float *scratch)
{
    (void)scratch;
    float *w = buffer(node, 0), *s = buffer(node, 2), *b = buffer(node, 3);
    const float *dw = buffer(node, 1);
    const Step step = step_of(node, 4);
    if (must_not_happen(step)) return;
    FOR_FOURS(step.count, {
        const f32x4 old = load_up_to(w + i, count);
        const f32x4 g = gradient(old, load_up_to(dw + i, count), step);
        f32x4 squares = load_up_to(s + i, count);
        const f32x4 share = normalised(&squares, g, step);
        const f32x4 u = load_up_to(b + i, count) * step.momentum + share;
        store_up_to(s + i, squares, count);
        store_up_to(b + i, u, count);
        store_up_to(w + i, old - u * step.rate, count);
    });
}
