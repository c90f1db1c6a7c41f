/* Every channel of a batch scaled to mean 0 and variance 1, and the gradient. Arrays are seen as
   (outer, channels, inner); parameters are these three, and forward epsilon.

   Four channels that lie side by side (inner = 1) go through the rows together, one in each lane;
   else a channel goes alone, along its runs. Both passes are two sums and then
   (a - mean - b along) factor, with what belongs to it of each of up to four channels. */

#include "record.h"
#include "reductions.h"

typedef struct {
    extent outer, channels, inner;
} Sizes;

enum { ROWS_AT_ONCE = 64 };

/* Four columns, or fewer at the end of a row. */
static f32x4 columns_of(const float *p, extent count)
{
    return count == 4 ? load(p) : load_part(p, count);
}

/* sums[lane] = sum of (a - shift) (b - shift), or of a without b, down four columns: floats within
   a block of rows, double beyond. */
static void sum_columns(
    double *sums, const float *a, const float *b, f32x4 shift, Sizes s, extent count)
{
    for (int lane = 0; lane < 4; lane++) sums[lane] = 0.0;
    for (extent start = 0; start < s.outer; start += ROWS_AT_ONCE) {
        const extent stop = s.outer - start < ROWS_AT_ONCE ? s.outer : start + ROWS_AT_ONCE;
        f32x4 block = splat(0.0f);
        for (extent o = start; o < stop; o++) {
            const f32x4 v = columns_of(a + o * s.channels, count) - shift;
            const f32x4 w = b ? columns_of(b + o * s.channels, count) - shift : splat(1.0f);
            block = multiply_add(v, w, block);
        }
        for (int lane = 0; lane < 4; lane++) sums[lane] += (double)block[lane];
    }
}

/* The same over the runs of one channel. */
static double sum_runs(const float *a, const float *b, float shift, Sizes s)
{
    double whole_sum = 0.0;
    for (extent o = 0; o < s.outer; o++) {
        const extent at = o * s.channels * s.inner;
        for (extent start = 0; start < s.inner; start += SUM_BLOCK) {
            const extent stop = s.inner - start < SUM_BLOCK ? s.inner : start + SUM_BLOCK;
            f32x4 lanes = splat(0.0f);
            extent i = start;
            for (; i + 4 <= stop; i += 4) {
                const f32x4 w = b ? load(b + at + i) - splat(shift) : splat(1.0f);
                lanes = multiply_add(load(a + at + i) - splat(shift), w, lanes);
            }
            whole_sum += (double)total(lanes);
            for (; i < stop; i++)
                whole_sum += (double)((a[at + i] - shift) * (b ? b[at + i] - shift : 1.0f));
        }
    }
    return whole_sum;
}

/* Sums as above for the channels from c on, each divided by n; how many they are is returned. */
static extent means(
    double *sums, const float *a, const float *b, f32x4 shift, Sizes s, extent c, double n)
{
    extent count = 1;
    if (s.inner == 1) {
        count = s.channels - c < 4 ? s.channels - c : 4;
        sum_columns(sums, a + c, b ? b + c : b, shift, s, count);
    } else {
        sums[0] = sum_runs(a + c * s.inner, b ? b + c * s.inner : b, shift[0], s);
    }
    for (extent lane = 0; lane < count; lane++) sums[lane] /= n;
    return count;
}

/* out = (a - mean - b along) factor for the channels from c on; out may be a or b. */
static void finish(
    float *out, const float *a, const float *b, f32x4 mean, f32x4 along, f32x4 factor, Sizes s,
    extent c, extent count)
{
    if (s.inner == 1) {
        for (extent o = 0; o < s.outer; o++) {
            const extent at = o * s.channels + c;
            const f32x4 left = columns_of(a + at, count) - mean;
            const f32x4 y = (left - columns_of(b + at, count) * along) * factor;
            if (count == 4)
                store(out + at, y);
            else
                store_part(out + at, y, count);
        }
        return;
    }
    for (extent o = 0; o < s.outer; o++) {
        const extent at = (o * s.channels + c) * s.inner;
        const f32x4 shift = splat(mean[0]), share = splat(along[0]), scale = splat(factor[0]);
        extent i = at;
        for (; i + 4 <= at + s.inner; i += 4)
            store(out + i, (load(a + i) - shift - load(b + i) * share) * scale);
        for (; i < at + s.inner; i++) out[i] = (a[i] - shift[0] - b[i] * share[0]) * scale[0];
    }
}

INLINE f32x4 narrow(const double *x)
{
    return (f32x4){(float)x[0], (float)x[1], (float)x[2], (float)x[3]};
}

/* y = (x - mean) r with r = 1 / sqrt(mean((x - mean)^2) + epsilon); the variance has n - 1 */
void run_batch_norm(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0);
    float *r = buffer(node, 2), *mean = buffer(node, 3), *variance = buffer(node, 4);
    const Sizes s = {whole(node, 0), whole(node, 1), whole(node, 2)};
    const double n = (double)s.outer * (double)s.inner;
    double found[4] = {0.0}, squares[4] = {0.0};
    for (extent c = 0, count; c < s.channels; c += count) {
        count = means(found, x, 0, splat(0.0f), s, c, n);
        const f32x4 shift = narrow(found);
        means(squares, x, x, shift, s, c, n);
        f32x4 factor = splat(0.0f);
        for (extent lane = 0; lane < count; lane++) {
            factor[lane] = (float)(1.0 / __builtin_sqrt(squares[lane] + (double)real(node, 3)));
            r[c + lane] = factor[lane];
            mean[c + lane] = shift[lane];
            variance[c + lane] = (float)(squares[lane] * n / (n > 1.0 ? n - 1.0 : 1.0));
        }
        finish(buffer(node, 1), x, x, shift, splat(0.0f), factor, s, c, count);
    }
}

/* dx = r (dy - mean(dy) - y mean(dy y)) */
void run_batch_norm_dx(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *dy = buffer(node, 0), *y = buffer(node, 1), *r = buffer(node, 2);
    const Sizes s = {whole(node, 0), whole(node, 1), whole(node, 2)};
    const double n = (double)s.outer * (double)s.inner;
    double slopes[4] = {0.0}, products[4] = {0.0};
    for (extent c = 0, count; c < s.channels; c += count) {
        count = means(slopes, dy, 0, splat(0.0f), s, c, n);
        means(products, dy, y, splat(0.0f), s, c, n);
        const f32x4 factor = s.inner == 1 ? columns_of(r + c, count) : splat(r[c]);
        finish(buffer(node, 3), dy, y, narrow(slopes), narrow(products), factor, s, c, count);
    }
}
