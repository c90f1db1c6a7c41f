/* One node of a plan as 32-bit words, written by records.py, whose LAYOUT changes when this does:

       0        which kernel: its place in kernels.inc
       1        words in the record
       2        how many addresses
       3        zero
       4 ...    addresses of inputs, outputs and constants, two words each, the lower first
       then     parameters: whole numbers, and real ones by the bits of a float

   Addresses are two words everywhere, so that one format serves 32-bit and 64-bit targets. Words
   that follow one another are records. */

#ifndef LOOM_RECORD_H
#define LOOM_RECORD_H

#include "simd.h"

typedef void Kernel(const int32_t *node, float *scratch);

/* How many floats of working memory a node asks for. A product of sizes may leave the 32 bits that
   an extent has in WebAssembly; a double holds it, and whoever allocates compares it with a limit. */
typedef double Scratch(const int32_t *node);

INLINE float *buffer(const int32_t *node, int i)
{
    uint64_t low = (uint32_t)node[4 + 2 * i], high = (uint32_t)node[5 + 2 * i];
    return (float *)(uintptr_t)(low | high << 32);
}

INLINE extent whole(const int32_t *node, int i) { return node[4 + 2 * node[2] + i]; }

INLINE float real(const int32_t *node, int i)
{
    union {
        int32_t bits;
        float value;
    } word = {node[4 + 2 * node[2] + i]};
    return word.value;
}

/* The table of kernels is kernel_table.py's: RECORD_FORMAT, which tells it, this layout and the codes
   of the activations from any other, then each op's name with what counts its working memory. */
#define KERNEL(name, scratch_of) Kernel run_##name; Scratch scratch_of;
#include "kernels.inc"
#undef KERNEL

#endif
