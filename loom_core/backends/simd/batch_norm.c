/* Every channel of a batch scaled to mean 0 and variance 1, and the gradient. Arrays are seen as
   (outer, channels, inner); parameters are these three, and forward epsilon.

   Four channels that lie side by side (inner = 1) go through the rows together, one in each lane;
   else a channel goes alone, along its runs. Both passes are means, and then (a - mean - b along)
   factor, with what belongs to it of each of up to four channels. */

#include "record.h"
#include "reductions.h"

typedef struct {
    extent outer, channels, inner;
} Sizes;

enum { ROWS_AT_ONCE = 64 };

/* Of a - shift and of (a - shift) (b - shift): floats within a block, double beyond. */
typedef struct {
    double first[4], product[4];
} Means;

/* Four columns, or fewer at the end of a row. */
static f32x4 columns_of(const float *p, extent count)
{
    return count == 4 ? load(p) : load_part(p, count);
}

/* Sums down four columns. */
static void sum_columns(
    Means *sums, const float *a, const float *b, f32x4 shift, Sizes s, extent count)
{
    for (extent start = 0; start < s.outer; start += ROWS_AT_ONCE) {
        const extent stop = s.outer - start < ROWS_AT_ONCE ? s.outer : start + ROWS_AT_ONCE;
        f32x4 first = splat(0.0f), product = splat(0.0f);
        for (extent o = start; o < stop; o++) {
            const f32x4 v = columns_of(a + o * s.channels, count) - shift;
            const f32x4 w = columns_of(b + o * s.channels, count) - shift;
            first += v;
            product = multiply_add(v, w, product);
        }
        for (int lane = 0; lane < 4; lane++) {
            sums->first[lane] += (double)first[lane];
            sums->product[lane] += (double)product[lane];
        }
    }
}

/* Sums over the runs of one channel. */
static void sum_runs(Means *sums, const float *a, const float *b, float shift, Sizes s)
{
    for (extent o = 0; o < s.outer; o++) {
        const extent at = o * s.channels * s.inner;
        for (extent start = 0; start < s.inner; start += SUM_BLOCK) {
            const extent stop = s.inner - start < SUM_BLOCK ? s.inner : start + SUM_BLOCK;
            f32x4 first = splat(0.0f), product = splat(0.0f);
            extent i = start;
            for (; i + 4 <= stop; i += 4) {
                const f32x4 v = load(a + at + i) - shift;
                first += v;
                product = multiply_add(v, load(b + at + i) - shift, product);
            }
            sums->first[0] += (double)total(first);
            sums->product[0] += (double)total(product);
            for (; i < stop; i++) {
                const float v = a[at + i] - shift, w = b[at + i] - shift;
                sums->first[0] += (double)v;
                sums->product[0] += (double)(v * w);
            }
        }
    }
}

/* How many channels go together from c on. */
INLINE extent together(Sizes s, extent c)
{
    return s.inner > 1 ? 1 : s.channels - c < 4 ? s.channels - c : 4;
}

/* Of the channels from c on, with n numbers each. */
static Means means(
    const float *a, const float *b, f32x4 shift, Sizes s, extent c, extent count, double n)
{
    Means found = {{0.0}, {0.0}};
    a += c * s.inner;
    b += c * s.inner;
    if (s.inner == 1)
        sum_columns(&found, a, b, shift, s, count);
    else
        sum_runs(&found, a, b, shift[0], s);
    for (extent lane = 0; lane < count; lane++) {
        found.first[lane] /= n;
        found.product[lane] /= n;
    }
    return found;
}

/* out = (a - mean - b along) factor for the channels from c on; without b it is 1. */
static void finish(
    float *out, const float *a, const float *b, f32x4 mean, f32x4 along, f32x4 factor, Sizes s,
    extent c, extent count)
{
    if (s.inner == 1) {
        for (extent o = 0; o < s.outer; o++) {
            const extent at = o * s.channels + c;
            const f32x4 left = columns_of(a + at, count) - mean;
            const f32x4 y = (left - (b ? columns_of(b + at, count) * along : along)) * factor;
            if (count == 4)
                store(out + at, y);
            else
                store_part(out + at, y, count);
        }
        return;
    }
    for (extent o = 0; o < s.outer; o++) {
        const extent at = (o * s.channels + c) * s.inner;
        const float shift = mean[0], share = along[0], scale = factor[0];
        extent i = at;
        for (; i + 4 <= at + s.inner; i += 4) {
            const f32x4 left = load(a + i) - shift;
            store(out + i, (left - (b ? load(b + i) * share : splat(share))) * scale);
        }
        for (; i < at + s.inner; i++)
            out[i] = (a[i] - shift - (b ? b[i] * share : share)) * scale;
    }
}

INLINE f32x4 narrow(const double *x)
{
    return (f32x4){(float)x[0], (float)x[1], (float)x[2], (float)x[3]};
}

/* y = (x - mean) r with r = 1 / sqrt(mean((x - mean)^2) + epsilon); the variance has n - 1.

   Beside a large mean its own rounding is not small, so that what it leaves is taken off as well. */
void run_batch_norm(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0);
    float *r = buffer(node, 2), *mean = buffer(node, 3), *variance = buffer(node, 4);
    const Sizes s = {whole(node, 0), whole(node, 1), whole(node, 2)};
    const double n = (double)s.outer * (double)s.inner;
    for (extent c = 0, count; c < s.channels; c += count) {
        count = together(s, c);
        const Means plain = means(x, x, splat(0.0f), s, c, count, n);
        const f32x4 shift = narrow(plain.first);
        const Means left = means(x, x, shift, s, c, count, n);
        f32x4 factor = splat(0.0f);
        for (extent lane = 0; lane < count; lane++) {
            double square = left.product[lane] - left.first[lane] * left.first[lane];
            if (square < 0.0) square = 0.0;
            factor[lane] = (float)(1.0 / __builtin_sqrt(square + (double)real(node, 3)));
            r[c + lane] = factor[lane];
            mean[c + lane] = (float)((double)shift[lane] + left.first[lane]);
            variance[c + lane] = (float)(square * n / (n > 1.0 ? n - 1.0 : 1.0));
        }
        finish(buffer(node, 1), x, 0, shift, narrow(left.first), factor, s, c, count);
    }
}

/* dx = r (dy - mean(dy) - y mean(dy y)) */
void run_batch_norm_dx(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *dy = buffer(node, 0), *y = buffer(node, 1), *r = buffer(node, 2);
    const Sizes s = {whole(node, 0), whole(node, 1), whole(node, 2)};
    const double n = (double)s.outer * (double)s.inner;
    for (extent c = 0, count; c < s.channels; c += count) {
        count = together(s, c);
        const Means found = means(dy, y, splat(0.0f), s, c, count, n);
        const f32x4 slope = narrow(found.first), along = narrow(found.product);
        const f32x4 factor = s.inner == 1 ? columns_of(r + c, count) : splat(r[c]);
        finish(buffer(node, 3), dy, y, slope, along, factor, s, c, count);
    }
}
