/* Matrix products from packed panels: the inside of matmul, of convolution and of the scans.

   A panel of A holds up to 6 rows, one column after another: panel[p * 6 + i] = A[i, p]. The last
   panels of a matrix may hold fewer rows, and are then that narrow. A panel of B holds 8 columns,
   panel[p * 8 + j] = B[p, j], zeros where the matrix has no more columns. One product of two panels
   keeps 6 x 8 sums in 12 vector registers over the whole depth, which leaves 4 of 16 for operands. */

#ifndef LOOM_GEMM_H
#define LOOM_GEMM_H

#include "simd.h"

enum { PANEL_ROWS = 6, PANEL_COLUMNS = 8 };

/* A matrix as it lies in memory: element (i, j) is data[i * row + j * column]. */
typedef struct {
    const float *data;
    extent row;
    extent column;
} Matrix;

INLINE extent rounded_up(extent count, extent unit) { return (count + unit - 1) / unit * unit; }

/* Rows of the next panel of A when so many are left: 6, but rather 4 and then 3 or 4 than 6 and a
   rest of 1 or 2, which would leave the machine idle between its few sums. */
INLINE extent panel_rows(extent left)
{
    if (left == 7 || left == 8) return 4;
    return left < PANEL_ROWS ? left : PANEL_ROWS;
}

/* Pack rows x depth of A, panel after panel: rows * depth floats. */
void pack_rows(float *panels, Matrix a, extent rows, extent depth);

/* Pack depth x columns of B, panel after panel: depth * rounded_up(columns, 8) floats. */
void pack_columns(float *panels, Matrix b, extent depth, extent columns);

/* c[i, j] = (accumulate ? c[i, j] : 0) + sum over p of A[i, p] B[p, j] for all rows of packed A and
   one panel of B, of whose columns the first (1 to 8) are wanted. c_row: from row to row of c. */
void panel_product(
    float *c, extent c_row, const float *a_panels, const float *b_panel, extent rows, extent columns,
    extent depth, int accumulate);

/* The same for packed A and all panels of packed B. */
void packed_product(
    float *c, extent c_row, const float *a_panels, const float *b_panels, extent rows,
    extent columns, extent depth, int accumulate);

#endif
