/* Sums over a row. Floats add up four lanes wide within a block, blocks in double: the error does
   not grow with the length, and costs nothing. */

#ifndef LOOM_REDUCTIONS_H
#define LOOM_REDUCTIONS_H

#include "simd.h"

enum { SUM_BLOCK = 256 };

/* Sum of a[i]. */
INLINE double sum(const float *a, extent count)
{
    double whole_sum = 0.0;
    for (extent start = 0; start < count; start += SUM_BLOCK) {
        extent stop = count - start < SUM_BLOCK ? count : start + SUM_BLOCK, i = start;
        f32x4 lanes = splat(0.0f);
        for (; i + 4 <= stop; i += 4) lanes += load(a + i);
        if (i < stop) lanes += load_part(a + i, stop - i);
        whole_sum += (double)total(lanes);
    }
    return whole_sum;
}

/* Sum of a[i] b[i]. */
INLINE double dot(const float *a, const float *b, extent count)
{
    double whole_sum = 0.0;
    for (extent start = 0; start < count; start += SUM_BLOCK) {
        extent stop = count - start < SUM_BLOCK ? count : start + SUM_BLOCK, i = start;
        f32x4 lanes = splat(0.0f);
        for (; i + 4 <= stop; i += 4) lanes = multiply_add(load(a + i), load(b + i), lanes);
        if (i < stop)
            lanes = multiply_add(load_part(a + i, stop - i), load_part(b + i, stop - i), lanes);
        whole_sum += (double)total(lanes);
    }
    return whole_sum;
}

/* The largest of a[i]; a NaN may hide, as whoever subtracts the maximum meets it again. */
INLINE float largest(const float *a, extent count)
{
    float most = a[0];
    extent i = 0;
    if (count >= 4) {
        f32x4 lanes = load(a);
        for (i = 4; i + 4 <= count; i += 4) {
            f32x4 x = load(a + i);
            lanes = larger(lanes, x);
        }
        for (int lane = 0; lane < 4; lane++) most = most < lanes[lane] ? lanes[lane] : most;
    }
    for (; i < count; i++) most = most < a[i] ? a[i] : most;
    return most;
}

#endif
