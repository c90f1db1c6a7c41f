/* matmul: y = op(a) op(b) for each leading index, op a transpose or nothing.

   A transpose is only another pair of strides, which packing undoes, so that all four kinds run at
   one speed. Blocks are sized for common caches: a panel of B stays in the first level while the
   panels of A pass it, a block of A in the second; B's block is read once for each block of A. */

#include "gemm.h"

#include "record.h"

enum { BLOCK_ROWS = 48, BLOCK_COLUMNS = 1024, BLOCK_DEPTH = 256 };

/* A product of fewer rows than this does not earn the packing of B. */
enum { FEW_ROWS = 3 };

static extent smaller(extent a, extent b) { return a < b ? a : b; }

/* Columns j to j + 4 vectors of one row times B, whose rows are dense. */
INLINE void row_times_columns(
    const int vectors, float *c, const float *a, extent a_column, Matrix b, extent depth)
{
    f32x4 sums[8];
    UNROLLED for (int v = 0; v < vectors; v++) sums[v] = splat(0.0f);
    for (extent p = 0; p < depth; p++) {
        const f32x4 factor = splat(a[p * a_column]);
        UNROLLED for (int v = 0; v < vectors; v++)
            sums[v] = multiply_add(factor, load(b.data + p * b.row + 4 * v), sums[v]);
    }
    UNROLLED for (int v = 0; v < vectors; v++) store(c + 4 * v, sums[v]);
}

/* c = a B for one row a, B with dense rows. */
static void row_times_rows(
    float *c, const float *a, extent a_column, Matrix b, extent columns, extent depth)
{
    extent j = 0;
    for (; j + 32 <= columns; j += 32, b.data += 32)
        row_times_columns(8, c + j, a, a_column, b, depth);
    for (; j + 8 <= columns; j += 8, b.data += 8)
        row_times_columns(2, c + j, a, a_column, b, depth);
    for (; j < columns; j++, b.data++) {
        float along = 0.0f;
        for (extent p = 0; p < depth; p++) along += a[p * a_column] * b.data[p * b.row];
        c[j] = along;
    }
}

/* c[j] = a . B[:, j] for one dense row a, B with dense columns. */
static void row_times_dense_columns(
    float *c, const float *a, Matrix b, extent columns, extent depth)
{
    for (extent j = 0; j < columns; j++) {
        const float *column = b.data + j * b.column;
        f32x4 sums[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
        extent p = 0;
        for (; p + 16 <= depth; p += 16)
            UNROLLED for (int q = 0; q < 4; q++)
                sums[q] = multiply_add(load(a + p + 4 * q), load(column + p + 4 * q), sums[q]);
        for (; p + 4 <= depth; p += 4)
            sums[0] = multiply_add(load(a + p), load(column + p), sums[0]);
        float along = total((sums[0] + sums[1]) + (sums[2] + sums[3]));
        for (; p < depth; p++) along += a[p] * column[p];
        c[j] = along;
    }
}

/* Whether the rows are so few that B is read where it lies. */
static int reads_in_place(Matrix a, Matrix b, extent rows)
{
    return rows <= FEW_ROWS && (b.column == 1 || (b.row == 1 && a.column == 1));
}

static void blocked_product(
    float *c, extent c_row, Matrix a, Matrix b, extent rows, extent columns, extent depth,
    float *scratch)
{
    float *a_panels = scratch;
    float *b_panels = scratch + smaller(rows, BLOCK_ROWS) * smaller(depth, BLOCK_DEPTH);
    for (extent p = 0; p < depth; p += BLOCK_DEPTH) {
        const extent deep = smaller(depth - p, BLOCK_DEPTH);
        for (extent j = 0; j < columns; j += BLOCK_COLUMNS) {
            const extent wide = smaller(columns - j, BLOCK_COLUMNS);
            const Matrix b_part = {b.data + p * b.row + j * b.column, b.row, b.column};
            pack_columns(b_panels, b_part, deep, wide);
            for (extent i = 0; i < rows; i += BLOCK_ROWS) {
                const extent high = smaller(rows - i, BLOCK_ROWS);
                const Matrix a_part = {a.data + i * a.row + p * a.column, a.row, a.column};
                pack_rows(a_panels, a_part, high, deep);
                packed_product(
                    c + i * c_row + j, c_row, a_panels, b_panels, high, wide, deep, p > 0);
            }
        }
    }
}

/* c (rows, columns) = a b */
static void product(
    float *c, Matrix a, Matrix b, extent rows, extent columns, extent depth, float *scratch)
{
    if (depth == 0) {
        fill(c, 0.0f, rows * columns);
    } else if (reads_in_place(a, b, rows)) {
        for (extent i = 0; i < rows; i++, c += columns, a.data += a.row)
            if (b.column == 1)
                row_times_rows(c, a.data, a.column, b, columns, depth);
            else
                row_times_dense_columns(c, a.data, b, columns, depth);
    } else {
        blocked_product(c, columns, a, b, rows, columns, depth, scratch);
    }
}

/* Parameters: count of products, rows M, columns N, depth K, transpose a, transpose b. A product
   with one column is computed as its transpose, one row, which needs no packing. */
void run_matmul(const int32_t *node, float *scratch)
{
    const float *a = buffer(node, 0), *b = buffer(node, 1);
    float *c = buffer(node, 2);
    const extent count = whole(node, 0), m = whole(node, 1), n = whole(node, 2), k = whole(node, 3);
    for (extent i = 0; i < count; i++, a += m * k, b += k * n, c += m * n) {
        const Matrix left = whole(node, 4) ? (Matrix){a, 1, m} : (Matrix){a, k, 1};
        const Matrix right = whole(node, 5) ? (Matrix){b, 1, k} : (Matrix){b, n, 1};
        if (n == 1) {
            const Matrix row = {b, 1, 1}, turned = {a, left.column, left.row};
            product(c, row, turned, 1, m, k, scratch);
        } else {
            product(c, left, right, m, n, k, scratch);
        }
    }
}

double matmul_scratch(const int32_t *node)
{
    const extent rows = smaller(whole(node, 1), BLOCK_ROWS);
    const extent columns = rounded_up(smaller(whole(node, 2), BLOCK_COLUMNS), PANEL_COLUMNS);
    return (double)((rows + columns) * smaller(whole(node, 3), BLOCK_DEPTH));
}
