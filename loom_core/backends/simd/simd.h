/* Four floats at a time, by the compilers' vector extensions: the same source becomes WebAssembly
   SIMD and native code. What is computed number by number (activations, updates, sums of two
   arrays) comes out the same wherever it stands in a buffer: tails do the same on fewer lanes. Sums
   over a row and matrix products take their terms in an order that depends on place and size, and
   differ by their rounding. */

#ifndef LOOM_SIMD_H
#define LOOM_SIMD_H

#include <stddef.h>
#include <stdint.h>

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef float f32x4_unaligned __attribute__((vector_size(16), aligned(4), may_alias));

/* Counts and distances in elements; signed, so that a loop may run down. */
typedef ptrdiff_t extent;

#define INLINE static inline __attribute__((always_inline))

/* Stands once in a file, however often it is called there. */
#define SHARED static __attribute__((noinline, unused))

INLINE f32x4 load(const float *p) { return *(const f32x4_unaligned *)p; }

INLINE void store(float *p, f32x4 x) { *(f32x4_unaligned *)p = x; }

INLINE f32x4 splat(float x) { return (f32x4){x, x, x, x}; }

/* The first count (1 to 3) floats, zeros behind them. */
INLINE f32x4 load_part(const float *p, extent count)
{
    return (f32x4){p[0], count > 1 ? p[1] : 0.0f, count > 2 ? p[2] : 0.0f, 0.0f};
}

INLINE void store_part(float *p, f32x4 x, extent count)
{
    p[0] = x[0];
    if (count > 1) p[1] = x[1];
    if (count > 2) p[2] = x[2];
}

/* Where the mask is all ones a, where it is all zeros b. */
INLINE f32x4 select(i32x4 mask, f32x4 a, f32x4 b)
{
    return (f32x4)((mask & (i32x4)a) | (~mask & (i32x4)b));
}

/* The other where it is larger (smaller), else x. These keep a NaN of x: a NaN has to reach the loss,
   where training looks for it. For WebAssembly the instruction is named, because compilers take such a
   selection for a relaxed minimum or maximum, which may drop a NaN. */
INLINE f32x4 larger(f32x4 x, f32x4 other)
{
#ifdef __wasm__
    return __builtin_wasm_pmax_f32x4(x, other);
#else
    return select(x < other, other, x);
#endif
}

INLINE f32x4 less(f32x4 x, f32x4 other)
{
#ifdef __wasm__
    return __builtin_wasm_pmin_f32x4(x, other);
#else
    return select(x > other, other, x);
#endif
}

INLINE f32x4 at_least(f32x4 x, float low) { return larger(x, splat(low)); }

INLINE f32x4 at_most(f32x4 x, float high) { return less(x, splat(high)); }

INLINE f32x4 square_root(f32x4 x)
{
    return (f32x4){
        __builtin_sqrtf(x[0]), __builtin_sqrtf(x[1]), __builtin_sqrtf(x[2]), __builtin_sqrtf(x[3])};
}

INLINE f32x4 absolute(f32x4 x) { return (f32x4)((i32x4)x & 0x7fffffff); }

/* a b + c; rounded once where the target has fused multiply-add, else twice. */
INLINE f32x4 multiply_add(f32x4 a, f32x4 b, f32x4 c)
{
#ifdef __wasm_relaxed_simd__
    return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#else
    return a * b + c;
#endif
}

/* Compilers for WebAssembly reorder sums freely, and the engine that makes machine code then has more
   of them alive than there are registers. No instruction comes of this, but sums stay in order. */
INLINE void keep_in_order(f32x4 *x)
{
#ifdef __wasm__
    __asm__ volatile("" : "+r"(*x));
#else
    (void)x;
#endif
}

/* Loops over the registers of a tile, whose counts are constants once inlined. */
#define UNROLLED _Pragma("GCC unroll 8")

INLINE float total(f32x4 x) { return (x[0] + x[1]) + (x[2] + x[3]); }

/* p[0], p[2], p[4], p[6], and nothing beyond. */
INLINE f32x4 load_every_second(const float *p)
{
    return __builtin_shufflevector(load(p), load(p + 3), 0, 2, 5, 7);
}

/* Turn four rows into four columns. */
INLINE void transpose4(f32x4 rows[4])
{
    f32x4 a = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
    f32x4 b = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
    f32x4 c = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
    f32x4 d = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
    rows[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    rows[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    rows[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    rows[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

INLINE void fill(float *y, float value, extent count)
{
    extent i = 0;
    for (; i + 4 <= count; i += 4) store(y + i, splat(value));
    for (; i < count; i++) y[i] = value;
}

INLINE void copy(float *y, const float *x, extent count)
{
    extent i = 0;
    for (; i + 4 <= count; i += 4) store(y + i, load(x + i));
    for (; i < count; i++) y[i] = x[i];
}

#endif
