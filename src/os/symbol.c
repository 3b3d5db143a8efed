/* See symbol.h. */
#define _GNU_SOURCE
#include "os/symbol.h"

#include <dlfcn.h>
#include <string.h>

static void put_offset(mri_text *t, uintptr_t offset)
{
    mri_text_put(t, "+");
    mri_text_hex(t, offset);
}

static void put_module(mri_text *t, const Dl_info *info, uintptr_t code)
{
    const char *slash = strrchr(info->dli_fname, '/');
    mri_text_put(t, slash ? slash + 1 : info->dli_fname);
    mri_text_put(t, "(");
    put_offset(t, code - (uintptr_t)info->dli_fbase);
    mri_text_put(t, ")");
}

void mri_symbol_put(mri_text *t, uintptr_t code)
{
    Dl_info info;
    if (dladdr((void *)code, &info) == 0) {
        mri_text_hex(t, code);
    } else if (!info.dli_sname) {
        put_module(t, &info, code);
    } else {
        mri_text_put(t, info.dli_sname);
        if (code != (uintptr_t)info.dli_saddr)
            put_offset(t, code - (uintptr_t)info.dli_saddr);
    }
}
