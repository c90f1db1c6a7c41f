/* What observers ask of an array of activations or gradients; loom_core/watch/statistics.py says
   what it is for, and does without where this library is not. */

#include "reductions.h"
#include "simd.h"

enum { SUM, SQUARES, LEAST, LARGEST, NOT_ZERO, POSITIVE };

void summarize(
    const float *x, int32_t outer, int32_t units, int32_t inner, int32_t *alive, double *found);

INLINE int32_t total_count(i32x4 lanes) { return lanes[0] + lanes[1] + lanes[2] + lanes[3]; }

/* Add a row of count numbers to what was found before; return how many are not 0. */
static int32_t take_row(const float *x, extent count, double *found)
{
    f32x4 least = splat((float)found[LEAST]), largest = splat((float)found[LARGEST]);
    i32x4 not_zero = {0, 0, 0, 0}, positive = {0, 0, 0, 0};
    extent i = 0;
    for (; i + 4 <= count; i += 4) {
        f32x4 v = load(x + i);
        least = less(least, v);
        largest = larger(largest, v);
        not_zero -= v != splat(0.0f);
        positive -= v > splat(0.0f);
    }
    int32_t not_zeros = total_count(not_zero), positives = total_count(positive);
    for (extent lane = 0; lane < 4; lane++) {
        if ((double)least[lane] < found[LEAST]) found[LEAST] = (double)least[lane];
        if ((double)largest[lane] > found[LARGEST]) found[LARGEST] = (double)largest[lane];
    }
    for (; i < count; i++) {
        if ((double)x[i] < found[LEAST]) found[LEAST] = (double)x[i];
        if ((double)x[i] > found[LARGEST]) found[LARGEST] = (double)x[i];
        not_zeros += x[i] != 0.0f;
        positives += x[i] > 0.0f;
    }
    found[SUM] += sum(x, count);
    found[SQUARES] += dot(x, x, count);
    found[NOT_ZERO] += not_zeros;
    found[POSITIVE] += positives;
    return not_zeros;
}

/* x is (outer, units, inner). alive (units) becomes 1 where any number of a unit is not 0. found is
   the sum, the sum of squares, the least, the largest, how many are not 0 and how many positive; a
   NaN shows in the sums only. */
void summarize(
    const float *x, int32_t outer, int32_t units, int32_t inner, int32_t *alive, double *found)
{
    for (int32_t at = SUM; at <= POSITIVE; at++) found[at] = 0.0;
    found[LEAST] = found[LARGEST] = (double)x[0];
    for (int32_t unit = 0; unit < units; unit++) alive[unit] = 0;
    for (int32_t row = 0; row < outer; row++) {
        if (inner == 1) {
            take_row(x, units, found);
            for (int32_t unit = 0; unit < units; unit++) alive[unit] |= x[unit] != 0.0f;
            x += units;
            continue;
        }
        for (int32_t unit = 0; unit < units; unit++, x += inner)
            alive[unit] |= take_row(x, inner, found) > 0;
    }
}
