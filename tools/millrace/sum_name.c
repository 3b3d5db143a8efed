/* See sum_name.h. */
#include "sum_name.h"

#include <stdio.h>
#include <string.h>

static char letter_of(char c)
{
    return c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\\' ? '\\' : '\0';
}

bool sum_name_is_odd(const char *name)
{
    return name[strcspn(name, "\n\r\\")] != '\0';
}

char *sum_name_escape(char *to, const char *name)
{
    for (; *name; name++) {
        char letter = letter_of(*name);
        if (letter)
            *to++ = '\\';
        *to++ = letter ? letter : *name;
    }
    *to = '\0';
    return to;
}

bool sum_name_unescape(char *name, size_t len)
{
    char *to = name;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        if (c == '\0')
            return false;
        if (c == '\\') {
            if (++i == len)
                return false;
            if (name[i] != 'n' && name[i] != 'r' && name[i] != '\\')
                return false;
            c = name[i] == 'n' ? '\n' : name[i] == 'r' ? '\r' : '\\';
        }
        *to++ = c;
    }
    *to = '\0';
    return true;
}

const char *sum_name_show(char *to, size_t size, const char *name)
{
    size_t len = 0;
    for (; *name && len + 5 <= size; name++) {
        unsigned char c = (unsigned char)*name;
        char letter = letter_of(*name);
        if (letter)
            len += (size_t)sprintf(to + len, "\\%c", letter);
        else if (c < ' ' || c == 0x7f)
            len += (size_t)sprintf(to + len, "\\%03o", c);
        else
            to[len++] = *name;
    }
    to[len] = '\0';
    return to;
}

/* Bytes of the character at `c`, or 0; a 0 ends the string and any of these. */
static size_t character(const unsigned char *c)
{
    unsigned first = c[0], code;
    size_t len = first < 0x80             ? 1
                 : (first & 0xe0) == 0xc0 ? 2
                 : (first & 0xf0) == 0xe0 ? 3
                 : (first & 0xf8) == 0xf0 ? 4
                                          : 0;
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (len < 2)
        return len;
    code = first & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (c[i] & 0x3fU);
    }
    bool wrong = code < least[len] || code > 0x10ffff ||
                 (code >= 0xd800 && code <= 0xdfff);
    return wrong ? 0 : len;
}

bool sum_name_is_text(const char *name)
{
    const unsigned char *c = (const unsigned char *)name;
    while (*c) {
        size_t len = character(c);
        if (len == 0)
            return false;
        c += len;
    }
    return true;
}
