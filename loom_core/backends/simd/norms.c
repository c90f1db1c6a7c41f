/* Rows scaled to mean 0 and variance 1, or to root mean square 1, and the gradients.
   x, y, dy, dx (rows, width); r (rows, 1). Parameters: rows, width, and forward epsilon. */

#include "record.h"
#include "reductions.h"

/* y = (x - shift) factor; y may be x. */
INLINE void shift_and_scale(float *y, const float *x, float shift, float factor, extent width)
{
    extent i = 0;
    for (; i + 4 <= width; i += 4) store(y + i, (load(x + i) - shift) * factor);
    for (; i < width; i++) y[i] = (x[i] - shift) * factor;
}

static float one_over_root(double square, float epsilon)
{
    return (float)(1.0 / __builtin_sqrt(square + (double)epsilon));
}

/* y = (x - mean) r with r = 1 / sqrt(mean((x - mean)^2) + epsilon) */
void run_layer_norm(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1), *r = buffer(node, 2);
    const extent rows = whole(node, 0), width = whole(node, 1);
    for (extent row = 0; row < rows; row++, x += width, y += width) {
        shift_and_scale(y, x, (float)(sum(x, width) / (double)width), 1.0f, width);
        r[row] = one_over_root(dot(y, y, width) / (double)width, real(node, 2));
        shift_and_scale(y, y, 0.0f, r[row], width);
    }
}

/* y = x r with r = 1 / sqrt(mean(x^2) + epsilon) */
void run_rms_norm(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1), *r = buffer(node, 2);
    const extent rows = whole(node, 0), width = whole(node, 1);
    for (extent row = 0; row < rows; row++, x += width, y += width) {
        r[row] = one_over_root(dot(x, x, width) / (double)width, real(node, 2));
        shift_and_scale(y, x, 0.0f, r[row], width);
    }
}

/* dx = r (dy - mean - y mean(dy y)), with mean that of dy, or 0 */
INLINE void norm_dx(const int32_t *node, int centred)
{
    const float *dy = buffer(node, 0), *y = buffer(node, 1), *r = buffer(node, 2);
    float *dx = buffer(node, 3);
    const extent rows = whole(node, 0), width = whole(node, 1);
    for (extent row = 0; row < rows; row++, dy += width, y += width, dx += width) {
        const float along = (float)(dot(dy, y, width) / (double)width);
        const float mean = centred ? (float)(sum(dy, width) / (double)width) : 0.0f;
        extent i = 0;
        for (; i + 4 <= width; i += 4)
            store(dx + i, (load(dy + i) - mean - load(y + i) * along) * r[row]);
        for (; i < width; i++) dx[i] = (dy[i] - mean - y[i] * along) * r[row];
    }
}

void run_layer_norm_dx(const int32_t *node, float *scratch)
{
    (void)scratch;
    norm_dx(node, 1);
}

void run_rms_norm_dx(const int32_t *node, float *scratch)
{
    (void)scratch;
    norm_dx(node, 0);
}
