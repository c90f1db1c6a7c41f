/* Packing, and the product of packed panels. */

#include "gemm.h"

/* panel[p * width + i] = from[i * along + p * deep] for i < count; zeros for i up to width. */
INLINE void pack(
    float *panel, const int width, int count, extent depth, const float *from, extent along,
    extent deep)
{
    extent p = 0;
    if (along == 1 && count == width) {
        for (; p < depth; p++, from += deep, panel += width) {
            store(panel, load(from));
            if (width == 8)
                store(panel + 4, load(from + 4));
            else
                for (int i = 4; i < width; i++) panel[i] = from[i];
        }
        return;
    }
    if (deep == 1 && count == width) {
        for (; p + 4 <= depth; p += 4, from += 4, panel += 4 * width) {
            f32x4 block[4];
            for (int i = 0; i < 4; i++) block[i] = load(from + i * along);
            transpose4(block);
            for (int q = 0; q < 4; q++) store(panel + q * width, block[q]);
            if (width == 8) {
                for (int i = 0; i < 4; i++) block[i] = load(from + (4 + i) * along);
                transpose4(block);
                for (int q = 0; q < 4; q++) store(panel + q * width + 4, block[q]);
            } else {
                for (int i = 4; i < width; i++)
                    for (int q = 0; q < 4; q++) panel[q * width + i] = from[i * along + q];
            }
        }
    }
    for (; p < depth; p++, from += deep, panel += width) {
        for (int i = 0; i < count; i++) panel[i] = from[i * along];
        for (int i = count; i < width; i++) panel[i] = 0.0f;
    }
}

void pack_rows(float *panels, Matrix a, extent rows, extent depth)
{
    while (rows > 0) {
        const extent count = panel_rows(rows);
        switch (count) {
        case 6: pack(panels, 6, 6, depth, a.data, a.row, a.column); break;
        case 5: pack(panels, 5, 5, depth, a.data, a.row, a.column); break;
        case 4: pack(panels, 4, 4, depth, a.data, a.row, a.column); break;
        default:
            for (extent p = 0; p < depth; p++)
                for (extent i = 0; i < count; i++)
                    panels[p * count + i] = a.data[i * a.row + p * a.column];
        }
        panels += count * depth;
        a.data += count * a.row;
        rows -= count;
    }
}

void pack_columns(float *panels, Matrix b, extent depth, extent columns)
{
    for (extent j = 0; j < columns; j += PANEL_COLUMNS) {
        const int count = columns - j < PANEL_COLUMNS ? (int)(columns - j) : PANEL_COLUMNS;
        pack(panels, PANEL_COLUMNS, count, depth, b.data + j * b.column, b.column, b.row);
        panels += PANEL_COLUMNS * depth;
    }
}

/* sums[i] += a[i] b for the rows of one column of A and one row of B */
INLINE void outer_product(const int rows, f32x4 sums[][2], const float *a, const float *b)
{
    const f32x4 left = load(b), right = load(b + 4);
    UNROLLED for (int i = 0; i < rows; i++)
    {
        const f32x4 factor = splat(a[i]);
        sums[i][0] = multiply_add(factor, left, sums[i][0]);
        sums[i][1] = multiply_add(factor, right, sums[i][1]);
        keep_in_order(&sums[i][0]);
        keep_in_order(&sums[i][1]);
    }
}

/* One panel of A (rows, a constant where this is inlined) times one panel of B. */
INLINE void tile(
    const int rows, float *c, extent c_row, const float *a, const float *b, extent depth,
    int accumulate)
{
    f32x4 sums[PANEL_ROWS][2];
    UNROLLED for (int i = 0; i < rows; i++) UNROLLED for (int v = 0; v < 2; v++)
        sums[i][v] = accumulate ? load(c + i * c_row + 4 * v) : splat(0.0f);
    extent p = 0;
    for (; p + 4 <= depth; p += 4, a += 4 * rows, b += 4 * PANEL_COLUMNS)
        UNROLLED for (int q = 0; q < 4; q++)
            outer_product(rows, sums, a + q * rows, b + q * PANEL_COLUMNS);
    for (; p < depth; p++, a += rows, b += PANEL_COLUMNS) outer_product(rows, sums, a, b);
    UNROLLED for (int i = 0; i < rows; i++) UNROLLED for (int v = 0; v < 2; v++)
        store(c + i * c_row + 4 * v, sums[i][v]);
}

/* Few rows leave too few sums in flight to hide the latency of an addition: with one row, four
   neighbouring depths have sums of their own. */
INLINE void tile_of_1(float *c, const float *a, const float *b, extent depth, int accumulate)
{
    f32x4 sums[4][2];
    UNROLLED for (int q = 0; q < 4; q++)
        UNROLLED for (int v = 0; v < 2; v++)
            sums[q][v] = q == 0 && accumulate ? load(c + 4 * v) : splat(0.0f);
    extent p = 0;
    for (; p + 4 <= depth; p += 4, b += 4 * PANEL_COLUMNS)
        UNROLLED for (int q = 0; q < 4; q++)
            UNROLLED for (int v = 0; v < 2; v++)
                sums[q][v] = multiply_add(
                    splat(a[p + q]), load(b + q * PANEL_COLUMNS + 4 * v), sums[q][v]);
    for (; p < depth; p++, b += PANEL_COLUMNS)
        UNROLLED for (int v = 0; v < 2; v++)
            sums[0][v] = multiply_add(splat(a[p]), load(b + 4 * v), sums[0][v]);
    UNROLLED for (int v = 0; v < 2; v++)
        store(c + 4 * v, (sums[0][v] + sums[1][v]) + (sums[2][v] + sums[3][v]));
}

INLINE void tile_of(
    extent rows, float *c, extent c_row, const float *a, const float *b, extent depth,
    int accumulate)
{
    switch (rows) {
    case 6: tile(6, c, c_row, a, b, depth, accumulate); break;
    case 5: tile(5, c, c_row, a, b, depth, accumulate); break;
    case 4: tile(4, c, c_row, a, b, depth, accumulate); break;
    case 3: tile(3, c, c_row, a, b, depth, accumulate); break;
    case 2: tile(2, c, c_row, a, b, depth, accumulate); break;
    default: tile_of_1(c, a, b, depth, accumulate);
    }
}

void panel_product(
    float *c, extent c_row, const float *a_panels, const float *b_panel, extent rows, extent columns,
    extent depth, int accumulate)
{
    /* Where less than 8 columns are wanted, the tile is formed here and its part copied. */
    float whole_tile[PANEL_ROWS * PANEL_COLUMNS];
    while (rows > 0) {
        const extent count = panel_rows(rows);
        if (columns == PANEL_COLUMNS) {
            tile_of(count, c, c_row, a_panels, b_panel, depth, accumulate);
        } else {
            if (accumulate)
                for (extent i = 0; i < count; i++)
                    for (extent j = 0; j < PANEL_COLUMNS; j++)
                        whole_tile[i * PANEL_COLUMNS + j] = j < columns ? c[i * c_row + j] : 0.0f;
            tile_of(count, whole_tile, PANEL_COLUMNS, a_panels, b_panel, depth, accumulate);
            for (extent i = 0; i < count; i++)
                for (extent j = 0; j < columns; j++)
                    c[i * c_row + j] = whole_tile[i * PANEL_COLUMNS + j];
        }
        c += count * c_row;
        a_panels += count * depth;
        rows -= count;
    }
}

void packed_product(
    float *c, extent c_row, const float *a_panels, const float *b_panels, extent rows,
    extent columns, extent depth, int accumulate)
{
    for (extent j = 0; j < columns; j += PANEL_COLUMNS) {
        const extent count = columns - j < PANEL_COLUMNS ? columns - j : PANEL_COLUMNS;
        panel_product(c + j, c_row, a_panels, b_panels + j * depth, rows, count, depth, accumulate);
    }
}
