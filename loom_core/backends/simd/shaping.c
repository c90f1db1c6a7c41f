/* Data that moves and does not change. */

#include "record.h"

enum { MOST_AXES = 8 };

/* y[r,c] = x[c,r] for (rows, columns) of y: rows of y lie y_row apart, columns of x x_column apart.
   Blocks of four by four turn in registers. */
static void transpose_plane(
    float *y, extent y_row, const float *x, extent x_column, extent rows, extent columns)
{
    extent r = 0;
    for (; r + 4 <= rows; r += 4) {
        extent c = 0;
        for (; c + 4 <= columns; c += 4) {
            f32x4 block[4];
            for (int i = 0; i < 4; i++) block[i] = load(x + (c + i) * x_column + r);
            transpose4(block);
            for (int i = 0; i < 4; i++) store(y + (r + i) * y_row + c, block[i]);
        }
        for (; c < columns; c++)
            for (int i = 0; i < 4; i++) y[(r + i) * y_row + c] = x[c * x_column + r + i];
    }
    for (; r < rows; r++)
        for (extent c = 0; c < columns; c++) y[r * y_row + c] = x[c * x_column + r];
}

/* Parameters: number of axes n, then the n sizes of y, then the n distances in x between
   neighbours along these axes. Written by records.py without axes of size 1, neighbours joined. */
void run_transpose(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1);
    const int axes = (int)whole(node, 0), last = axes - 1;
    extent size[MOST_AXES], x_step[MOST_AXES], y_step[MOST_AXES], at[MOST_AXES] = {0};
    extent step = 1;
    int turned = last; /* the axis along which x is dense */
    for (int a = last; a >= 0; a--) {
        size[a] = whole(node, 1 + a);
        x_step[a] = whole(node, 1 + axes + a);
        y_step[a] = step;
        step *= size[a];
        if (x_step[a] == 1) turned = a;
    }
    if (step == 0) return;
    for (;;) {
        if (turned == last)
            copy(y, x, size[last]);
        else
            transpose_plane(y, y_step[turned], x, x_step[last], size[turned], size[last]);
        int a = last - 1; /* count on through all axes but the one or two done above */
        for (; a >= 0; a--) {
            if (a == turned) continue;
            x += x_step[a];
            y += y_step[a];
            if (++at[a] < size[a]) break;
            x -= x_step[a] * size[a];
            y -= y_step[a] * size[a];
            at[a] = 0;
        }
        if (a < 0) return;
    }
}

/* y (outer, sum of widths): the inputs' rows side by side. Parameters: outer, then each width. */
void run_concat(const int32_t *node, float *scratch)
{
    (void)scratch;
    const int count = (int)node[2] - 1;
    const extent outer = whole(node, 0);
    float *y = buffer(node, count);
    for (extent o = 0; o < outer; o++)
        for (int i = 0; i < count; i++) {
            const extent width = whole(node, 1 + i);
            copy(y, buffer(node, i) + o * width, width);
            y += width;
        }
}

/* y = x[:, start:start+width]; x (outer, x_width). Parameters: outer, x_width, start, width. */
void run_slice_axis(const int32_t *node, float *scratch)
{
    (void)scratch;
    const extent outer = whole(node, 0), x_width = whole(node, 1), width = whole(node, 3);
    const float *x = buffer(node, 0) + whole(node, 2);
    float *y = buffer(node, 1);
    for (extent o = 0; o < outer; o++) copy(y + o * width, x + o * x_width, width);
}

/* y[:, start:start+width] = x, zeros around. Parameters: outer, y_width, start, width. */
void run_pad_axis(const int32_t *node, float *scratch)
{
    (void)scratch;
    const extent outer = whole(node, 0), y_width = whole(node, 1);
    const extent start = whole(node, 2), width = whole(node, 3);
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1);
    for (extent o = 0; o < outer; o++, x += width, y += y_width) {
        fill(y, 0.0f, start);
        copy(y + start, x, width);
        fill(y + start + width, 0.0f, y_width - start - width);
    }
}

/* y[:,c] = x[:,order[c]]; the order is whole numbers at address 2. Parameters: rows, width. */
void run_permute_columns(const int32_t *node, float *scratch)
{
    (void)scratch;
    const float *x = buffer(node, 0);
    float *y = buffer(node, 1);
    const int32_t *order = (const int32_t *)(const void *)buffer(node, 2);
    const extent rows = whole(node, 0), width = whole(node, 1);
    for (extent r = 0; r < rows; r++, x += width, y += width)
        for (extent c = 0; c < width; c++) y[c] = x[order[c]];
}
