/* Entmax of each row (sparsemax at alpha 2) and Loom's reading of it, with gradients.
   Parameters: rows, width, then alpha for Loom's; alpha - 1, which a float holds however near alpha
   is to 1, and the temperature for the published one. */

#include "functions.h"
#include "power.h"
#include "record.h"
#include "reductions.h"

enum { BISECTIONS = 60 };

/* Working memory: two rows. */
double sort_scratch(const int32_t *node) { return 2.0 * (double)whole(node, 1); }

static void sink(float *heap, extent at, extent count)
{
    const float value = heap[at];
    for (extent child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && heap[child + 1] < heap[child]) child++;
        if (!(heap[child] < value)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = value;
}

/* Sort falling, in place (heapsort). */
static void sort_falling(float *values, extent count)
{
    for (extent at = count / 2 - 1; at >= 0; at--) sink(values, at, count);
    for (extent end = count - 1; end > 0; end--) {
        const float least = values[0];
        values[0] = values[end];
        values[end] = least;
        sink(values, 0, end);
    }
}

/* y = max(0, z - tau); tau from the falling scores, Martins and Astudillo 2016. */
static void sparsemax_row(float *y, const float *z, float *falling, extent width)
{
    copy(falling, z, width);
    sort_falling(falling, width);
    double along = -1.0, tau = 0.0;
    for (extent i = 0; i < width; i++) {
        along += (double)falling[i];
        if ((double)falling[i] * (double)(i + 1) > along) tau = along / (double)(i + 1);
    }
    for (extent i = 0; i < width; i++) y[i] = at_least(splat(z[i] - (float)tau), 0.0f)[0];
}

/* y = max(0, z - tau)^power with the tau at which the row sums to 1, found by halving. */
static void entmax_row(float *y, const float *z, double power, extent width, double high)
{
    double low = -1.0, whole_sum = 0.0;
    for (int round = 0; round <= BISECTIONS; round++) {
        const double tau = (low + high) / 2.0;
        whole_sum = 0.0;
        for (extent i = 0; i < width; i++)
            whole_sum += power_of_positive((double)z[i] - tau, power);
        if (whole_sum >= 1.0)
            low = tau;
        else
            high = tau;
    }
    whole_sum = 0.0;
    for (extent i = 0; i < width; i++)
        whole_sum += power_of_positive((double)z[i] - (low + high) / 2.0, power);
    for (extent i = 0; i < width; i++)
        y[i] = (float)(power_of_positive((double)z[i] - (low + high) / 2.0, power) / whole_sum);
}

/* y = max(0, (alpha - 1) x / T - tau)^(1 / (alpha - 1)); loom_core.graph.ops.rows says more. */
void run_entmax(const int32_t *node, float *scratch)
{
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1);
    const extent rows = whole(node, 0), width = whole(node, 1);
    const double excess = (double)real(node, 2);
    const float factor = (float)(excess / (double)real(node, 3));
    const double high = -exponential_double(-excess * logarithm_double((double)width));
    float *z = scratch + width;
    for (extent r = 0; r < rows; r++, x += width, y += width) {
        for (extent i = 0; i < width; i++) z[i] = x[i] * factor;
        const float most = largest(z, width);
        for (extent i = 0; i < width; i++) z[i] -= most;
        if (excess == 1.0)
            sparsemax_row(y, z, scratch, width);
        else
            entmax_row(y, z, 1.0 / excess, width, high);
    }
}

/* dx = s (dy - sum(dy s) / sum(s)) / T with s = y^(2 - alpha) where y > 0, else 0 */
void run_entmax_dx(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *dy = buffer(node, 0), *y = buffer(node, 1);
    float *dx = buffer(node, 2);
    const extent rows = whole(node, 0), width = whole(node, 1);
    const double power = 1.0 - (double)real(node, 2), scale = 1.0 / (double)real(node, 3);
    for (extent r = 0; r < rows; r++, dy += width, y += width, dx += width) {
        double along = 0.0, slopes = 0.0;
        for (extent i = 0; i < width; i++) { /* dx holds s for a while */
            dx[i] = y[i] > 0.0f ? (float)power_of_positive((double)y[i], power) : 0.0f;
            along += (double)dy[i] * (double)dx[i];
            slopes += (double)dx[i];
        }
        for (extent i = 0; i < width; i++)
            dx[i] = (float)(((double)dy[i] - along / slopes) * (double)dx[i] * scale);
    }
}

/* What Loom's sparsemax of a row rests on; loom_core.graph.ops.loom_entmax has the formulas. */
typedef struct {
    float tau;
    float least; /* of the k largest scores */
    extent k;
} Doubled;

static Doubled doubled_row(const float *x, float *falling, extent width)
{
    copy(falling, x, width);
    sort_falling(falling, width);
    float along = falling[0];
    extent k = 1; /* the largest is always in */
    while (k < width && falling[k] * (float)(k + 1) > along + falling[k] - 1.0f)
        along += falling[k++];
    return (Doubled){(2.0f * along - 1.0f) / (float)k, falling[k - 1], k};
}

static void softmax_of_row(float *y, const float *x, extent width)
{
    const float most = largest(x, width);
    extent i = 0;
    for (; i + 4 <= width; i += 4) store(y + i, exponential(load(x + i) - most));
    for (; i < width; i++) y[i] = exponential(splat(x[i] - most))[0];
    const float share = (float)(1.0 / sum(y, width));
    for (i = 0; i < width; i++) y[i] *= share;
}

static float sparse_part(float x, float tau) { return at_least(splat(x - tau), 0.0f)[0]; }

/* y = max(0, x - tau) for alpha 2, else its blend with softmax, scaled to sum 1. */
void run_loom_entmax(const int32_t *node, float *scratch)
{
    const float *x = buffer(node, 0), alpha = real(node, 2);
    float *y = buffer(node, 1);
    const extent rows = whole(node, 0), width = whole(node, 1);
    for (extent r = 0; r < rows; r++, x += width, y += width) {
        const Doubled doubled = doubled_row(x, scratch, width);
        if (alpha == 2.0f) {
            for (extent i = 0; i < width; i++) y[i] = sparse_part(x[i], doubled.tau);
            continue;
        }
        softmax_of_row(y, x, width);
        for (extent i = 0; i < width; i++)
            y[i] = (2.0f - alpha) * y[i] + (alpha - 1.0f) * sparse_part(x[i], doubled.tau);
        const float share = (float)(1.0 / sum(y, width));
        for (extent i = 0; i < width; i++) y[i] *= share;
    }
}

/* One row of the gradient; soft and slope are working memory. */
static void loom_entmax_dx_row(
    float *dx, const float *dy, const float *x, float alpha, extent width, float *soft, float *slope)
{
    const Doubled doubled = doubled_row(x, slope, width);
    softmax_of_row(soft, x, width);
    copy(slope, dy, width);
    if (alpha != 2.0f) { /* through y = mixed / sum(mixed) */
        double mass = 0.0, along = 0.0;
        for (extent i = 0; i < width; i++) {
            const float sparse = sparse_part(x[i], doubled.tau);
            const double mixed = (double)((2.0f - alpha) * soft[i] + (alpha - 1.0f) * sparse);
            mass += mixed;
            along += (double)dy[i] * mixed;
        }
        for (extent i = 0; i < width; i++)
            slope[i] = (float)(((double)dy[i] - along / mass) / mass);
    }
    const float soft_along = (float)dot(slope, soft, width);
    double inside = 0.0;
    for (extent i = 0; i < width; i++) inside += x[i] > doubled.tau ? (double)slope[i] : 0.0;
    const float share = (float)(2.0 * inside / (double)doubled.k);
    for (extent i = 0; i < width; i++) {
        const float d_soft = soft[i] * (slope[i] - soft_along);
        const float d_tau = x[i] >= doubled.least ? share : 0.0f;
        const float d_sparse = (x[i] > doubled.tau ? slope[i] : 0.0f) - d_tau;
        dx[i] = (2.0f - alpha) * d_soft + (alpha - 1.0f) * d_sparse;
    }
}

void run_loom_entmax_dx(const int32_t *node, float *scratch)
{
    const float *dy = buffer(node, 0), *x = buffer(node, 1);
    float *dx = buffer(node, 2);
    const extent rows = whole(node, 0), width = whole(node, 1);
    for (extent r = 0; r < rows; r++, dy += width, x += width, dx += width)
        loom_entmax_dx_row(dx, dy, x, real(node, 2), width, scratch, scratch + width);
}
