/* The answers to a block of applicants that differ in one number and in a decision. */

#include "answers.h"
#include "msgpack.h"
#include "powers.h"
#include "shortest.h"

typedef struct {
    PyObject *tails;
    int is_json;
    Py_buffer numbers, chosen, powers;
    Py_ssize_t tail; /* bytes of the longest */
} Given;

static char *put(char *at, const void *text, Py_ssize_t length)
{
    memcpy(at, text, (size_t)length);
    return at + length;
}

static char *put_bytes(char *at, PyObject *bytes)
{
    return put(at, PyBytes_AsString(bytes), PyBytes_Size(bytes));
}

static char *put_packed(char *at, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    *at++ = (char)FLOAT64;
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (char)(bits >> shift);
    return at;
}

/* Put the number and the tail of one; return NULL where it is not plain, or with an error. */
static char *put_own(char *at, const Given *given, Py_ssize_t i)
{
    double x = ((const double *)given->numbers.buf)[i];
    PyObject *tail = PyTuple_GetItem(given->tails, ((const int8_t *)given->chosen.buf)[i]);
    at = given->is_json ? write_number(given->powers.buf, x, at) : put_packed(at, x);
    return at && tail ? put_bytes(at, tail) : NULL;
}

/* Whether what was given fits; the longest tail is found then. */
static int fits(Given *given)
{
    if (given->numbers.len != given->chosen.len * 8 || (uintptr_t)given->numbers.buf % 8) {
        PyErr_SetString(PyExc_ValueError, "wanted a float64 and an int8 for each answer");
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyTuple_Size(given->tails); i++) {
        Py_ssize_t length = PyBytes_Size(PyTuple_GetItem(given->tails, i));
        if (length < 0)
            return 0;
        given->tail = length > given->tail ? length : given->tail;
    }
    return are_powers(&given->powers);
}

typedef struct {
    const char *text;
    Py_ssize_t length;
} Part;

/* What all have: fields up to the request id, and up to the length, NULL where they have no head;
   the body up to the request id, and up to the number. */
typedef struct {
    Part fields, to_length, begin, to_number;
} Shared;

static char *put_part(char *at, const Part *part)
{
    return put(at, part->text, part->length);
}

static PyObject *write_one(const Given *given, const Shared *shared, PyObject *name, Py_ssize_t i)
{
    Part id = {0};
    if (!(id.text = PyUnicode_AsUTF8AndSize(name, &id.length)))
        return NULL;
    Py_ssize_t before = shared->begin.length + id.length + shared->to_number.length;
    Py_ssize_t head = shared->fields.length + id.length + shared->to_length.length;
    char *own = PyMem_Malloc((size_t)(head + before + 2 * given->tail + 3 * MOST_TEXT));
    char *end = own ? put_own(own, given, i) : NULL, *at = end;
    PyObject *answer = own ? NULL : PyErr_NoMemory();
    if (end) {
        if (shared->fields.text) {
            at = put_part(put_part(put_part(at, &shared->fields), &id), &shared->to_length);
            at = write_integer((uint64_t)(before + (end - own)), 1, at);
            at = put(at, "\r\n\r\n", 4);
        }
        at = put_part(put_part(put_part(at, &shared->begin), &id), &shared->to_number);
        at = put(at, own, end - own);
        answer = PyBytes_FromStringAndSize(end, at - end);
    }
    PyMem_Free(own);
    return answer;
}

static PyObject *write_all(const Given *given, const Shared *shared, PyObject *ids)
{
    Py_ssize_t count = given->chosen.len;
    if (PyList_Size(ids) != count)
        return PyErr_Format(PyExc_ValueError, "wanted a request id for each answer");
    PyObject *answers = PyList_New(count);
    for (Py_ssize_t i = 0; answers && i < count; i++) {
        PyObject *answer = write_one(given, shared, PyList_GetItem(ids, i), i);
        if (!answer || PyList_SetItem(answers, i, answer))
            Py_CLEAR(answers);
    }
    return answers;
}

PyObject *write_answers(PyObject *module, PyObject *args)
{
    (void)module;
    Given given = {0};
    Shared shared = {0};
    PyObject *head, *ids, *answers = NULL;
    if (!PyArg_ParseTuple(args, "Oy#y#O!O!py*y*y*:write_answers", &head, &shared.begin.text,
                          &shared.begin.length, &shared.to_number.text, &shared.to_number.length,
                          &PyList_Type, &ids, &PyTuple_Type, &given.tails, &given.is_json, &given.numbers,
                          &given.chosen, &given.powers))
        return NULL;
    if ((head == Py_None ||
         PyArg_Parse(head, "(y#y#)", &shared.fields.text, &shared.fields.length,
                     &shared.to_length.text, &shared.to_length.length)) &&
        fits(&given))
        answers = write_all(&given, &shared, ids);
    for (int i = 0; i < 3; i++)
        PyBuffer_Release(&given.numbers + i);
    return answers || PyErr_Occurred() ? answers : Py_NewRef(Py_None);
}
