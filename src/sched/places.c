/* See places.h. */
#include "sched/places.h"

static uint32_t known(const mri_cpus *cpus)
{
    /* Sorted by number. */
    return cpus->affinity > 0 ? (uint32_t)cpus->cpu[cpus->affinity - 1].id + 1
                              : 0;
}

size_t mri_places_size(const mri_cpus *cpus)
{
    return sizeof(int) * known(cpus) * MRI_PLACES_LEVELS;
}

/* The narrower first. */
static int key_of(const mri_cpu *cpu, int what)
{
    switch (what) {
    case 0:
        return cpu->l2;
    case 1:
        return cpu->l3;
    case 2:
        return cpu->node;
    default:
        return cpu->package;
    }
}

static void fill(int *key, uint32_t n, const mri_cpus *cpus, int what)
{
    for (uint32_t i = 0; i < n; i++)
        key[i] = -1;
    for (int i = 0; i < cpus->affinity; i++)
        key[cpus->cpu[i].id] = key_of(&cpus->cpu[i], what);
}

/* Whether a level parts some pair that another keeps together. */
static bool parts(const int *key, const int *wider, const mri_cpus *cpus)
{
    for (int i = 1; i < cpus->affinity; i++) {
        int a = cpus->cpu[i].id;
        for (int j = 0; j < i; j++) {
            int b = cpus->cpu[j].id;
            bool together = key[a] >= 0 && key[a] == key[b];
            bool wider_together =
                !wider || (wider[a] >= 0 && wider[a] == wider[b]);
            if (!together && wider_together)
                return true;
        }
    }
    return false;
}

static bool pairs(const int *key, const mri_cpus *cpus)
{
    for (int i = 1; i < cpus->affinity; i++)
        for (int j = 0; j < i; j++) {
            int a = cpus->cpu[i].id, b = cpus->cpu[j].id;
            if (key[a] >= 0 && key[a] == key[b])
                return true;
        }
    return false;
}

void mri_places_open(mri_places *places, const mri_cpus *cpus, void *memory)
{
    *places = (mri_places){.cpus = known(cpus), .key = memory};
    const int *before = NULL;
    for (int what = 0; what < MRI_PLACES_LEVELS; what++) {
        int *key = places->key + (size_t)places->levels * places->cpus;
        fill(key, places->cpus, cpus, what);
        /* Some together, not all, and more than at the level before. */
        if (!pairs(key, cpus) || !parts(key, NULL, cpus) ||
            (before && !parts(before, key, cpus)))
            continue;
        before = key;
        places->levels++;
    }
}
