/* See sum_list.h. */
#include "sum_list.h"

#include "sum_name.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(unsigned char *to, const char *hex, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = digit(hex[2 * i]);
        int low = high < 0 ? -1 : digit(hex[2 * i + 1]);
        if (low < 0)
            return false;
        to[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* "TAG (NAME) = HEX", at the '('; or of OpenSSL, "TAG(NAME)= HEX". */
static bool parse_tagged(sum_listed *out, char *open, char *end, bool escaped)
{
    char *close = end;
    size_t size = out->algorithm->size;
    while (close > open && *close != ')')
        close--;
    if (close == open)
        return false;
    out->name = open + 1;
    if (escaped && !sum_name_unescape(out->name, (size_t)(close - out->name)))
        return false;
    *close++ = '\0';
    close += strspn(close, " \t");
    if (*close++ != '=')
        return false;
    close += strspn(close, " \t");
    return (size_t)(end - close) == 2 * size &&
           read_hex(out->expected, close, size);
}

/* Where the '(' stands that follows a tag, or NULL: it begins with none. */
static char *after_tag(char *line, const sum_algorithm **algorithm)
{
    size_t len = strcspn(line, " (");
    char *open = line + len + (line[len] == ' ');
    if (len == 0 || *open != '(')
        return NULL;
    *algorithm = sum_algorithm_tagged(line, len);
    return *algorithm ? open : NULL;
}

/* "HEX  NAME", "HEX *NAME", or "HEX NAME" as BSD's -r writes. */
static bool parse_plain(sum_listed *out, sum_list *list, char *line, char *end,
                        bool escaped)
{
    size_t size = out->algorithm->size, rest;
    if ((size_t)(end - line) < 2 * size + 2 || !is_blank(line[2 * size]) ||
        !read_hex(out->expected, line, size))
        return false;
    line += 2 * size + 1;
    rest = (size_t)(end - line);
    if (rest == 1 || (line[0] != ' ' && line[0] != '*')) {
        if (list->reversed == 0)
            return false;
        list->reversed = 1;
    } else if (list->reversed != 1) {
        list->reversed = 0;
        line++;
    }
    out->name = line;
    return !escaped || sum_name_unescape(line, (size_t)(end - line));
}

bool sum_list_parse(sum_listed *out, sum_list *list, char *line, size_t len,
                    const sum_algorithm *given, bool only)
{
    char *end = line + len;
    line += strspn(line, " \t");
    bool escaped = *line == '\\';
    line += escaped;
    char *open = after_tag(line, &out->algorithm);
    if (open)
        return (!only || out->algorithm == given) &&
               parse_tagged(out, open, end, escaped);
    out->algorithm = given;
    return parse_plain(out, list, line, end, escaped);
}
