/* Softmax of each row, with temperature and causal mask, and its gradient. */

#include "functions.h"
#include "record.h"
#include "reductions.h"

/* y = exp(z - max) / sum with z = x / T, over the first seen columns; the others get 0. */
static void softmax_row(float *y, const float *x, float scale, extent seen, extent width)
{
    extent i = 0;
    for (; i + 4 <= seen; i += 4) store(y + i, load(x + i) * scale);
    for (; i < seen; i++) y[i] = x[i] * scale;
    const float most = largest(y, seen);
    double whole_sum = 0.0;
    f32x4 lanes = splat(0.0f);
    for (i = 0; i + 4 <= seen; i += 4) {
        f32x4 e = exponential(load(y + i) - most);
        store(y + i, e);
        lanes += e;
        if (i % SUM_BLOCK == 0) {
            whole_sum += (double)total(lanes);
            lanes = splat(0.0f);
        }
    }
    for (; i < seen; i++) {
        y[i] = exponential(splat(y[i] - most))[0];
        lanes[0] += y[i];
    }
    const float share = (float)(1.0 / (whole_sum + (double)total(lanes)));
    for (i = 0; i + 4 <= seen; i += 4) store(y + i, load(y + i) * share);
    for (; i < seen; i++) y[i] *= share;
    fill(y + seen, 0.0f, width - seen);
}

/* x, y (rows, width), y may be x. Parameters: rows, width, steps (0: not causal), temperature.
   Causal: row t of (steps, width) sees the columns up to t + width - steps. */
void run_softmax(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1);
    const extent rows = whole(node, 0), width = whole(node, 1), steps = whole(node, 2);
    const float scale = 1.0f / real(node, 3);
    for (extent r = 0; r < rows; r++) {
        const extent seen = steps == 0 ? width : r % steps + width - steps + 1;
        softmax_row(y + r * width, x + r * width, scale, seen, width);
    }
}

/* dx = y (dy - sum(dy y)) / T; dy, y, dx (rows, width), dx may be dy. Parameters: rows, width, T. */
void run_softmax_dx(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *dy = buffer(node, 0), *y = buffer(node, 1);
    float *dx = buffer(node, 2);
    const extent rows = whole(node, 0), width = whole(node, 1);
    const float scale = 1.0f / real(node, 2);
    for (extent r = 0; r < rows; r++, dy += width, y += width, dx += width) {
        const float along = (float)dot(dy, y, width);
        extent i = 0;
        for (; i + 4 <= width; i += 4)
            store(dx + i, (load(dy + i) - along) * load(y + i) * scale);
        for (; i < width; i++) dx[i] = (dy[i] - along) * y[i] * scale;
    }
}
