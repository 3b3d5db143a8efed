/* Names and texts of the public error codes. */
#include <millrace/error.h>

#include "base/compiler.h"

#include <stddef.h>

static const struct error_row {
    int code;
    const char *name, *text;
} rows[] = {
#define ERROR_ROW(name, number, text) {(number), #name, (text)},
    MR_ERROR_MAP(ERROR_ROW)
#undef ERROR_ROW
};

static const struct error_row *row_of(int64_t code)
{
    for (size_t i = 0; i < MRI_ARRAY_LEN(rows); i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const char *mr_strerror(int64_t code)
{
    if (code >= 0)
        return "no error";
    const struct error_row *row = row_of(code);
    return row ? row->text : "unknown error";
}

const char *mr_error_name(int64_t code)
{
    if (code >= 0)
        return "MR_OK";
    const struct error_row *row = row_of(code);
    return row ? row->name : "MR_UNKNOWN";
}
