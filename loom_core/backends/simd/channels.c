/* One number a channel: bias and gain, and the sum over everything but the channels. Arrays are
   seen as (outer, channels, inner); parameters are these three, then what the op says. */

#include "activations.h"
#include "record.h"
#include "reductions.h"

typedef f32x4 Function(f32x4 x, f32x4 c);

INLINE f32x4 plus(f32x4 x, f32x4 c) { return x + c; }

INLINE f32x4 times(f32x4 x, f32x4 c) { return x * c; }

/* y[o,c,i] = f(x[o,c,i], number[c]); y may be x. */
INLINE void along_channels(const int32_t *node, Function *f)
{
    const float *x = buffer(node, 0), *number = buffer(node, 1);
    float *y = buffer(node, 2);
    const extent outer = whole(node, 0), channels = whole(node, 1), inner = whole(node, 2);
    if (inner == 1) {
        for (extent o = 0; o < outer; o++, x += channels, y += channels) {
            extent c = 0;
            for (; c + 4 <= channels; c += 4) store(y + c, f(load(x + c), load(number + c)));
            for (; c < channels; c++) y[c] = f(splat(x[c]), splat(number[c]))[0];
        }
        return;
    }
    for (extent row = 0; row < outer * channels; row++, x += inner, y += inner) {
        const f32x4 here = splat(number[row % channels]);
        extent i = 0;
        for (; i + 4 <= inner; i += 4) store(y + i, f(load(x + i), here));
        for (; i < inner; i++) y[i] = f(splat(x[i]), here)[0];
    }
}

#define BIASED(name, code) \
    INLINE f32x4 biased_##name(f32x4 x, f32x4 b) { return name##_of(x + b); }

WITH_BIAS(BIASED)

/* y = f(x + b); parameter 3 is the function's code */
void run_add_bias(const int32_t *node, float *scratch)
{
    (void)scratch;
    const int32_t code = (int32_t)whole(node, 3);
#define CASE(name, code) \
    case code: along_channels(node, biased_##name); break;
    switch (code) {
        WITH_BIAS(CASE)
    default:
        along_channels(node, plus);
        if (code != LINEAR) {
            float *y = buffer(node, 2);
            activate(y, y, whole(node, 0) * whole(node, 1) * whole(node, 2), code);
        }
    }
#undef CASE
}

/* y = x g */
void run_mul_channels(const int32_t *node, float *scratch)
{
    (void)scratch;
    along_channels(node, times);
}

enum { ROWS_AT_ONCE = 64 };

/* Sum of up to 16 neighbouring columns of x (rows, width): floats within 64 rows, double beyond. */
INLINE void sum_columns(float *y, const float *x, extent rows, extent width, int columns)
{
    double sums[16] = {0.0};
    for (extent start = 0; start < rows; start += ROWS_AT_ONCE) {
        const extent stop = rows - start < ROWS_AT_ONCE ? rows : start + ROWS_AT_ONCE;
        float block[16] = {0.0f};
        if (columns == 16) {
            f32x4 lanes[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
            for (extent r = start; r < stop; r++)
                for (int v = 0; v < 4; v++) lanes[v] += load(x + r * width + 4 * v);
            for (int v = 0; v < 4; v++) store(block + 4 * v, lanes[v]);
        } else {
            for (extent r = start; r < stop; r++)
                for (int c = 0; c < columns; c++) block[c] += x[r * width + c];
        }
        for (int c = 0; c < columns; c++) sums[c] += (double)block[c];
    }
    for (int c = 0; c < columns; c++) y[c] = (float)sums[c];
}

/* y[c] = sum of x[o,c,i] over o and i */
void run_sum_to_axis(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1);
    const extent outer = whole(node, 0), channels = whole(node, 1), inner = whole(node, 2);
    if (inner == 1) {
        extent c = 0;
        for (; c + 16 <= channels; c += 16) sum_columns(y + c, x + c, outer, channels, 16);
        if (c < channels) sum_columns(y + c, x + c, outer, channels, (int)(channels - c));
        return;
    }
    for (extent c = 0; c < channels; c++) {
        double whole_sum = 0.0;
        for (extent o = 0; o < outer; o++) whole_sum += sum(x + (o * channels + c) * inner, inner);
        y[c] = (float)whole_sum;
    }
}
