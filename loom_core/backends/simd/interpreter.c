/* Runs a stretch of a plan's nodes in one call. */

#include "record.h"

/* The name is in every build, so that a library of another format is refused and never run. */
int32_t record_format(void);
int32_t run(const int32_t *records, int32_t words, float *scratch);
int32_t scratch_floats(const int32_t *records, int32_t words);

enum {
#define KERNEL(name, scratch) KERNEL_##name,
#include "kernels.inc"
#undef KERNEL
};

int32_t record_format(void) { return RECORD_FORMAT; }

extent no_scratch(const int32_t *node)
{
    (void)node;
    return 0;
}

/* Run all records, one after another. Returns -1, or where a record names no kernel. */
int32_t run(const int32_t *records, int32_t words, float *scratch)
{
    for (int32_t at = 0; at < words; at += records[at + 1]) {
        switch (records[at]) {
#define KERNEL(name, scratch_of)                                                                   \
    case KERNEL_##name:                                                                            \
        run_##name(records + at, scratch);                                                         \
        break;
#include "kernels.inc"
#undef KERNEL
        default:
            return at;
        }
    }
    return -1;
}

/* The most working memory that any one of the records needs, in floats; -1 when it is too much. */
int32_t scratch_floats(const int32_t *records, int32_t words)
{
    extent most = 0;
    for (int32_t at = 0; at < words; at += records[at + 1]) {
        extent needed = 0;
        switch (records[at]) {
#define KERNEL(name, scratch_of)                                                                   \
    case KERNEL_##name:                                                                            \
        needed = scratch_of(records + at);                                                         \
        break;
#include "kernels.inc"
#undef KERNEL
        default:
            return -1;
        }
        if (needed > most) most = needed;
    }
    return most <= INT32_MAX ? (int32_t)most : -1;
}
