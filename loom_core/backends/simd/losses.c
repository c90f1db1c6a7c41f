/* Losses: the mean over the batch and its gradient, in one pass over the rows.
   y, t, dy (rows, width), loss (). Parameters: rows, width, then what the op says. */

#include "functions.h"
#include "record.h"
#include "reductions.h"

/* Below this probability the loss goes on as its tangent; loom_core.graph.ops.losses says why. */
static const float PROBABILITY_FLOOR = 1e-7f;

/* loss = mean((y - t)^2), dy = 2 (y - t) / n */
void run_mse(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *y = buffer(node, 0), *t = buffer(node, 1);
    float *loss = buffer(node, 2), *dy = buffer(node, 3);
    const extent count = whole(node, 0) * whole(node, 1);
    extent i = 0;
    for (; i + 4 <= count; i += 4) store(dy + i, load(y + i) - load(t + i));
    for (; i < count; i++) dy[i] = y[i] - t[i];
    *loss = (float)(dot(dy, dy, count) / (double)count);
    const float scale = 2.0f / (float)(count > 0 ? count : 1);
    for (i = 0; i + 4 <= count; i += 4) store(dy + i, load(dy + i) * scale);
    for (; i < count; i++) dy[i] *= scale;
}

/* t (ln(safe) + (p - safe) / floor) with safe = max(p, floor); dp = -t / (safe rows) */
INLINE f32x4 cross_entropy_of(f32x4 p, f32x4 t, float rows, f32x4 *dp)
{
    f32x4 safe = at_least(p, PROBABILITY_FLOOR);
    *dp = -t / (safe * rows);
    return t * (logarithm(safe) + (p - safe) / PROBABILITY_FLOOR);
}

/* loss = -sum(t ln p) / rows */
void run_cross_entropy(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *p = buffer(node, 0), *t = buffer(node, 1);
    float *loss = buffer(node, 2), *dp = buffer(node, 3);
    const extent rows = whole(node, 0), count = rows * whole(node, 1);
    double whole_sum = 0.0;
    f32x4 slope;
    extent i = 0;
    for (; i + 4 <= count; i += 4) {
        f32x4 part = cross_entropy_of(load(p + i), load(t + i), (float)rows, &slope);
        store(dp + i, slope);
        whole_sum += (double)total(part);
    }
    if (i < count) {
        const extent rest = count - i;
        f32x4 part =
            cross_entropy_of(load_part(p + i, rest), load_part(t + i, rest), (float)rows, &slope);
        store_part(dp + i, slope, rest);
        whole_sum += (double)total(part);
    }
    *loss = (float)(-whole_sum / (double)rows);
}

/* One row: dz = exp(z / T - max), then (mass / sum) dz - t, scaled. Returns the row's loss. */
static double softmax_cross_entropy_row(
    float *dz, const float *z, const float *t, extent width, float inverse, float share)
{
    const float most = largest(z, width);
    extent i = 0;
    /* T is above 0, so that the largest score is the largest quotient too. */
    for (; i + 4 <= width; i += 4) store(dz + i, (load(z + i) - most) * inverse);
    for (; i < width; i++) dz[i] = (z[i] - most) * inverse;
    const double score = dot(t, dz, width), mass = sum(t, width);
    for (i = 0; i + 4 <= width; i += 4) store(dz + i, exponential(load(dz + i)));
    if (i < width) store_part(dz + i, exponential(load_part(dz + i, width - i)), width - i);
    const double partition = sum(dz, width);
    const float factor = (float)(mass / partition);
    for (i = 0; i + 4 <= width; i += 4)
        store(dz + i, (load(dz + i) * factor - load(t + i)) * share);
    for (; i < width; i++) dz[i] = (dz[i] * factor - t[i]) * share;
    return mass * (double)logarithm(splat((float)partition))[0] - score;
}

/* loss = -sum(t ln softmax(z / T)) / rows; parameter 2 is T */
void run_softmax_cross_entropy(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *z = buffer(node, 0), *t = buffer(node, 1);
    float *loss = buffer(node, 2), *dz = buffer(node, 3);
    const extent rows = whole(node, 0), width = whole(node, 1);
    const float inverse = 1.0f / real(node, 2), share = inverse / (float)rows;
    double whole_sum = 0.0;
    for (extent r = 0; r < rows; r++, z += width, t += width, dz += width)
        whole_sum += softmax_cross_entropy_row(dz, z, t, width, inverse, share);
    *loss = (float)(whole_sum / (double)rows);
}
