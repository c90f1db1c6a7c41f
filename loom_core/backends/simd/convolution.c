/* conv2d and its gradients as products with patches, of which only one panel exists at a time.

   x (B,C,H,W), w (F,C,KH,KW), y (B,F,U,V). A patch element q = (c,i,j) of output cell p = (u,v)
   lies at q's place plus p's place in the image with its border of zeros, so that a panel of
   patches is gathered without a test for the border. */

#include "gemm.h"
#include "record.h"

/* Parameters, in this order; patch = C KH KW, cells = U V. */
typedef struct {
    extent batch, channels, height, width, filters, kernel_h, kernel_w;
    extent down, right, pad_h, pad_w, u, v;
    extent patch, cells, padded_h, padded_w, padded;
} Geometry;

enum { CELLS_AT_ONCE = 256 }; /* of a weight gradient's depth, about */

static Geometry geometry(const int32_t *node)
{
    Geometry g = {
        .batch = whole(node, 0), .channels = whole(node, 1), .height = whole(node, 2),
        .width = whole(node, 3), .filters = whole(node, 4), .kernel_h = whole(node, 5),
        .kernel_w = whole(node, 6), .down = whole(node, 7), .right = whole(node, 8),
        .pad_h = whole(node, 9), .pad_w = whole(node, 10), .u = whole(node, 11),
        .v = whole(node, 12)};
    g.patch = g.channels * g.kernel_h * g.kernel_w;
    g.cells = g.u * g.v;
    g.padded_h = g.height + 2 * g.pad_h;
    g.padded_w = g.width + 2 * g.pad_w;
    g.padded = g.channels * g.padded_h * g.padded_w;
    return g;
}

static extent rows_at_once(const Geometry *g)
{
    const extent rows = CELLS_AT_ONCE / g->v + 1;
    return rows < g->u ? rows : g->u;
}

/* Enough for each of the three: the bordered image, packed weights or gradients, panels. A bordered
   image that an extent cannot count says so itself; no other size in Geometry exceeds it. */
double convolution_scratch(const int32_t *node)
{
    const double height = (double)whole(node, 2) + 2.0 * (double)whole(node, 9);
    const double width = (double)whole(node, 3) + 2.0 * (double)whole(node, 10);
    const double bordered = (double)whole(node, 1) * height * width;
    if (bordered > INT32_MAX - 3) return bordered;
    const Geometry g = geometry(node);
    const double filters = (double)g.filters, patch = (double)g.patch;
    const double image = (double)rounded_up(g.padded, 4);
    const double both = patch * filters + PANEL_COLUMNS * (filters + patch); /* forward, dx */
    const double dw = (filters + PANEL_COLUMNS) * (double)(rows_at_once(&g) * g.v);
    return image + (both > dw ? both : dw);
}

/* Copy one image between borders of zeros; without borders the image itself serves. */
static const float *bordered(float *padded, const float *x, const Geometry *g)
{
    if (g->pad_h == 0 && g->pad_w == 0) return x;
    fill(padded, 0.0f, g->padded);
    for (extent c = 0; c < g->channels; c++)
        for (extent h = 0; h < g->height; h++)
            copy(padded + (c * g->padded_h + h + g->pad_h) * g->padded_w + g->pad_w,
                 x + (c * g->height + h) * g->width, g->width);
    return padded;
}

/* Where patch element q = (c,i,j) of output cell (0,0) lies in the bordered image. */
static extent element_place(const Geometry *g, extent q)
{
    const extent j = q % g->kernel_w, i = q / g->kernel_w % g->kernel_h;
    const extent c = q / (g->kernel_w * g->kernel_h);
    return (c * g->padded_h + i) * g->padded_w + j;
}

/* The places of 8 output cells from the first on, relative to (0,0); beyond the last, the last's.
   Returns how many there are. */
static extent cell_places(const Geometry *g, extent first, extent places[PANEL_COLUMNS])
{
    const extent count = g->cells - first < PANEL_COLUMNS ? g->cells - first : PANEL_COLUMNS;
    for (extent lane = 0; lane < PANEL_COLUMNS; lane++) {
        const extent p = first + (lane < count ? lane : count - 1);
        places[lane] = p / g->v * g->down * g->padded_w + p % g->v * g->right;
    }
    return count;
}

/* How far four places lie apart where that is 1 or 2, which vectors can read; else 0. */
static int spacing(const extent *places)
{
    const extent step = places[1] - places[0];
    const int even = places[2] - places[1] == step && places[3] - places[2] == step;
    return even && (step == 1 || step == 2) ? (int)step : 0;
}

/* to[lane] = from[places[lane]] for four lanes */
INLINE void gather(float *to, const float *from, const extent *places, int apart)
{
    if (apart == 1)
        store(to, load(from + places[0]));
    else if (apart == 2)
        store(to, load_every_second(from + places[0]));
    else
        for (int lane = 0; lane < 4; lane++) to[lane] = from[places[lane]];
}

/* y[b] (F, UV) = w (F, CKK) patches (CKK, UV) */
void run_conv2d(const int32_t *node, float *scratch)
{
    const Geometry g = geometry(node);
    const float *x = buffer(node, 0);
    float *y = buffer(node, 2), *padded = scratch;
    float *weights = scratch + rounded_up(g.padded, 4), *panel = weights + g.filters * g.patch;
    pack_rows(weights, (Matrix){buffer(node, 1), g.patch, 1}, g.filters, g.patch);
    for (extent b = 0; b < g.batch; b++) {
        const float *image = bordered(padded, x + b * g.channels * g.height * g.width, &g);
        for (extent p = 0; p < g.cells; p += PANEL_COLUMNS) {
            extent places[PANEL_COLUMNS];
            const extent count = cell_places(&g, p, places);
            const int left = spacing(places), right = spacing(places + 4);
            float *to = panel;
            for (extent c = 0; c < g.channels; c++)
                for (extent i = 0; i < g.kernel_h; i++) {
                    const float *from = image + (c * g.padded_h + i) * g.padded_w;
                    for (extent j = 0; j < g.kernel_w; j++, from++, to += PANEL_COLUMNS) {
                        gather(to, from, places, left);
                        gather(to + 4, from, places + 4, right);
                    }
                }
            panel_product(
                y + b * g.filters * g.cells + p, g.cells, weights, panel, g.filters, count, g.patch,
                0);
        }
    }
}

/* panel[p * 8 + lane] = image[q's place + p's place] for 8 patch elements and rows of cells */
static void pack_elements(
    float *panel, const float *image, const Geometry *g, extent q, extent first_row, extent rows)
{
    const float *from[PANEL_COLUMNS];
    for (extent lane = 0; lane < PANEL_COLUMNS; lane++) {
        const extent element = q + lane < g->patch ? q + lane : g->patch - 1;
        from[lane] = image + element_place(g, element) + first_row * g->down * g->padded_w;
    }
    for (extent u = 0; u < rows; u++) {
        extent v = 0;
        for (; g->right <= 2 && v + 4 <= g->v; v += 4, panel += 4 * PANEL_COLUMNS)
            for (int half = 0; half < PANEL_COLUMNS; half += 4) {
                f32x4 block[4];
                for (int i = 0; i < 4; i++) {
                    const float *cells = from[half + i] + v * g->right;
                    block[i] = g->right == 1 ? load(cells) : load_every_second(cells);
                }
                transpose4(block);
                for (int i = 0; i < 4; i++) store(panel + i * PANEL_COLUMNS + half, block[i]);
            }
        for (; v < g->v; v++, panel += PANEL_COLUMNS)
            for (int lane = 0; lane < PANEL_COLUMNS; lane++)
                panel[lane] = from[lane][v * g->right];
        for (int lane = 0; lane < PANEL_COLUMNS; lane++) from[lane] += g->down * g->padded_w;
    }
}

/* dw (F, CKK) = sum over b of dy[b] (F, UV) patches[b]^T (UV, CKK) */
void run_conv2d_dw(const int32_t *node, float *scratch)
{
    const Geometry g = geometry(node);
    const float *x = buffer(node, 0), *dy = buffer(node, 1);
    float *dw = buffer(node, 2), *padded = scratch;
    const extent most = rows_at_once(&g);
    float *gradients = scratch + rounded_up(g.padded, 4);
    float *panel = gradients + g.filters * most * g.v;
    if (g.batch == 0) fill(dw, 0.0f, g.filters * g.patch);
    for (extent b = 0; b < g.batch; b++) {
        const float *image = bordered(padded, x + b * g.channels * g.height * g.width, &g);
        for (extent u = 0; u < g.u; u += most) {
            const extent rows = g.u - u < most ? g.u - u : most, cells = rows * g.v;
            const Matrix part = {dy + b * g.filters * g.cells + u * g.v, g.cells, 1};
            pack_rows(gradients, part, g.filters, cells);
            for (extent q = 0; q < g.patch; q += PANEL_COLUMNS) {
                const extent left = g.patch - q;
                const extent count = left < PANEL_COLUMNS ? left : PANEL_COLUMNS;
                pack_elements(panel, image, &g, q, u, rows);
                panel_product(
                    dw + q, g.patch, gradients, panel, g.filters, count, cells, b > 0 || u > 0);
            }
        }
    }
}

/* to[places[lane]] += sums[lane] for the first (1 to 4) lanes */
INLINE void spread(float *to, const float *sums, const extent *places, extent count, int apart)
{
    float *here = to + places[0];
    const f32x4 x = load(sums), zero = splat(0.0f);
    if (count >= 4 && apart == 1) {
        store(here, load(here) + x);
    } else if (count >= 4 && apart == 2) { /* what lies between gets a zero added */
        store(here, load(here) + __builtin_shufflevector(x, zero, 0, 4, 1, 4));
        store(here + 3, load(here + 3) + __builtin_shufflevector(x, zero, 4, 2, 4, 3));
    } else {
        for (extent lane = 0; lane < count && lane < 4; lane++) to[places[lane]] += sums[lane];
    }
}

/* dx[b] = spread of w^T (CKK, F) dy[b] (F, UV) */
void run_conv2d_dx(const int32_t *node, float *scratch)
{
    const Geometry g = geometry(node);
    const float *dy = buffer(node, 0);
    float *dx = buffer(node, 2);
    const int in_place = g.pad_h == 0 && g.pad_w == 0;
    float *weights = scratch + rounded_up(g.padded, 4), *panel = weights + g.patch * g.filters;
    float *sums = panel + PANEL_COLUMNS * g.filters;
    pack_rows(weights, (Matrix){buffer(node, 1), 1, g.patch}, g.patch, g.filters);
    for (extent b = 0; b < g.batch; b++, dx += g.channels * g.height * g.width) {
        float *image = in_place ? dx : scratch;
        fill(image, 0.0f, g.padded);
        for (extent p = 0; p < g.cells; p += PANEL_COLUMNS) {
            extent places[PANEL_COLUMNS];
            const extent count = cell_places(&g, p, places);
            const Matrix part = {dy + b * g.filters * g.cells + p, g.cells, 1};
            pack_columns(panel, part, g.filters, count);
            panel_product(
                sums, PANEL_COLUMNS, weights, panel, g.patch, PANEL_COLUMNS, g.filters, 0);
            const int left = spacing(places), right = spacing(places + 4);
            for (extent q = 0; q < g.patch; q++) {
                float *to = image + element_place(&g, q);
                spread(to, sums + q * PANEL_COLUMNS, places, count, left);
                spread(to, sums + q * PANEL_COLUMNS + 4, places + 4, count - 4, right);
            }
        }
        if (in_place) continue;
        for (extent row = 0; row < g.channels * g.height; row++)
            copy(dx + row * g.width,
                 image + (row / g.height * g.padded_h + row % g.height + g.pad_h) * g.padded_w +
                     g.pad_w,
                 g.width);
    }
}
