/* The largest and the mean number of windows of an image, and their gradients.

   A window is cut at the image's border: what lies beyond is never the largest, and adds nothing to
   a sum that is divided by the cells of a whole window. Windows that lie inside and no more than two
   cells apart go four at a time; the others row by row. */

#include "record.h"
#include "reductions.h"

/* Parameters, in this order. */
typedef struct {
    extent planes, height, width, kernel_h, kernel_w, down, right, pad_h, pad_w, u, v;
} Pooling;

static Pooling pooling(const int32_t *node)
{
    return (Pooling){
        .planes = whole(node, 0), .height = whole(node, 1), .width = whole(node, 2),
        .kernel_h = whole(node, 3), .kernel_w = whole(node, 4), .down = whole(node, 5),
        .right = whole(node, 6), .pad_h = whole(node, 7), .pad_w = whole(node, 8),
        .u = whole(node, 9), .v = whole(node, 10)};
}

/* From where to before where a window reaches along an axis. */
typedef struct {
    extent start, stop;
} Span;

INLINE Span span(extent cell, extent stride, extent padding, extent kernel, extent size)
{
    const extent start = cell * stride - padding, stop = start + kernel;
    return (Span){start > 0 ? start : 0, stop < size ? stop : size};
}

static Span rows_of(const Pooling *p, extent u)
{
    return span(u, p->down, p->pad_h, p->kernel_h, p->height);
}

static Span columns_of(const Pooling *p, extent v)
{
    return span(v, p->right, p->pad_w, p->kernel_w, p->width);
}

/* Whether the windows of output cells v to v + 3 lie inside a line, where vectors can read them. */
static int four_inside(const Pooling *p, extent v)
{
    const extent start = v * p->right - p->pad_w;
    return p->right <= 2 && v + 4 <= p->v && start >= 0 &&
           start + 3 * p->right + p->kernel_w <= p->width;
}

/* One number of each of four windows, `right` apart. */
INLINE f32x4 of_four(const float *from, extent right)
{
    return right == 1 ? load(from) : load_every_second(from);
}

/* The other where it is larger or NaN; a NaN stays. */
INLINE f32x4 largest_or_nan(f32x4 x, f32x4 other)
{
    return select((other > x) | (other != other), other, x);
}

static f32x4 largest_of_four(const Pooling *p, const float *x, Span rows, extent start)
{
    f32x4 most = of_four(x + rows.start * p->width + start, p->right);
    for (extent h = rows.start; h < rows.stop; h++)
        for (extent w = 0; w < p->kernel_w; w++)
            most = largest_or_nan(most, of_four(x + h * p->width + start + w, p->right));
    return most;
}

static float largest_of_one(const Pooling *p, const float *x, Span rows, Span columns)
{
    f32x4 most = splat(x[rows.start * p->width + columns.start]);
    for (extent h = rows.start; h < rows.stop; h++) {
        const float *line = x + h * p->width;
        extent w = columns.start;
        for (; w + 4 <= columns.stop; w += 4) most = largest_or_nan(most, load(line + w));
        for (; w < columns.stop; w++) most = largest_or_nan(most, splat(line[w]));
    }
    most = largest_or_nan(most, __builtin_shufflevector(most, most, 2, 3, 0, 1));
    return largest_or_nan(most, __builtin_shufflevector(most, most, 1, 0, 3, 2))[0];
}

/* Where the largest number of a window is: of equal ones the first, of NaNs too. */
static extent largest_place(const Pooling *p, const float *x, Span rows, Span columns)
{
    extent found = rows.start * p->width + columns.start;
    for (extent h = rows.start; h < rows.stop; h++)
        for (extent w = columns.start; w < columns.stop; w++) {
            const float here = x[h * p->width + w], most = x[found];
            if (here > most || (here != here && most == most)) found = h * p->width + w;
        }
    return found;
}

/* x (planes,H,W), y (planes,U,V) */
void run_max_pool2d(const int32_t *node, float *scratch)
{
    (void)scratch;
    const Pooling p = pooling(node);
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1);
    for (extent plane = 0; plane < p.planes; plane++, x += p.height * p.width)
        for (extent u = 0; u < p.u; u++, y += p.v) {
            const Span rows = rows_of(&p, u);
            for (extent v = 0; v < p.v;) {
                if (four_inside(&p, v)) {
                    store(y + v, largest_of_four(&p, x, rows, v * p.right - p.pad_w));
                    v += 4;
                } else {
                    y[v] = largest_of_one(&p, x, rows, columns_of(&p, v));
                    v++;
                }
            }
        }
}

/* dy (planes,U,V), x, dx (planes,H,W) */
void run_max_pool2d_dx(const int32_t *node, float *scratch)
{
    (void)scratch;
    const Pooling p = pooling(node);
    const float *dy = buffer(node, 0), *x = buffer(node, 1);
    float *dx = buffer(node, 2);
    const extent size = p.height * p.width;
    fill(dx, 0.0f, p.planes * size);
    for (extent plane = 0; plane < p.planes; plane++, x += size, dx += size)
        for (extent u = 0; u < p.u; u++)
            for (extent v = 0; v < p.v; v++)
                dx[largest_place(&p, x, rows_of(&p, u), columns_of(&p, v))] += *dy++;
}

static f32x4 sum_of_four(const Pooling *p, const float *x, Span rows, extent start)
{
    f32x4 sums = splat(0.0f);
    for (extent h = rows.start; h < rows.stop; h++) {
        f32x4 line = splat(0.0f);
        for (extent w = 0; w < p->kernel_w; w++)
            line += of_four(x + h * p->width + start + w, p->right);
        sums += line;
    }
    return sums;
}

static double sum_of_one(const Pooling *p, const float *x, Span rows, Span columns)
{
    double whole_sum = 0.0;
    for (extent h = rows.start; h < rows.stop; h++)
        whole_sum += sum(x + h * p->width + columns.start, columns.stop - columns.start);
    return whole_sum;
}

/* x (planes,H,W), y (planes,U,V) */
void run_avg_pool2d(const int32_t *node, float *scratch)
{
    (void)scratch;
    const Pooling p = pooling(node);
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1);
    const double cells = (double)p.kernel_h * (double)p.kernel_w;
    for (extent plane = 0; plane < p.planes; plane++, x += p.height * p.width)
        for (extent u = 0; u < p.u; u++, y += p.v) {
            const Span rows = rows_of(&p, u);
            for (extent v = 0; v < p.v;) {
                if (four_inside(&p, v)) {
                    const f32x4 sums = sum_of_four(&p, x, rows, v * p.right - p.pad_w);
                    store(y + v, sums / (float)cells);
                    v += 4;
                } else {
                    y[v] = (float)(sum_of_one(&p, x, rows, columns_of(&p, v)) / cells);
                    v++;
                }
            }
        }
}

/* dy (planes,U,V), dx (planes,H,W) */
void run_avg_pool2d_dx(const int32_t *node, float *scratch)
{
    (void)scratch;
    const Pooling p = pooling(node);
    const float *dy = buffer(node, 0), cells = (float)p.kernel_h * (float)p.kernel_w;
    float *dx = buffer(node, 1);
    const extent size = p.height * p.width;
    fill(dx, 0.0f, p.planes * size);
    for (extent plane = 0; plane < p.planes; plane++, dx += size)
        for (extent u = 0; u < p.u; u++)
            for (extent v = 0; v < p.v; v++) {
                const Span rows = rows_of(&p, u), columns = columns_of(&p, v);
                const float share = *dy++ / cells;
                for (extent h = rows.start; h < rows.stop; h++) {
                    float *line = dx + h * p.width;
                    extent w = columns.start;
                    for (; w + 4 <= columns.stop; w += 4)
                        store(line + w, load(line + w) + share);
                    for (; w < columns.stop; w++) line[w] += share;
                }
            }
}
