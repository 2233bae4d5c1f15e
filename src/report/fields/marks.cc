#include "report/fields/describe.h"

namespace dsfailover {

void describe(FieldSink& to, const MarksSection& marks) {
    to.count("examined", marks.examined);
    to.count("removed", marks.removed, "Or, planned, to be removed.");
    to.count("kept", marks.kept);
    to.count("failed", marks.failed, "Those that could not be dealt with.");
    to.list("items", marks.items,
            "Marks that are too young for clean-marks are counted as kept and not listed.");
}

void describe(FieldSink& to, const MarkItem& mark) {
    to.type("mark_item", "A failover mark in the registry.");
    to.text("name", mark.name);
    to.text("address", mark.address, "From its name, as the next two; null: the name has none.");
    to.time("startup_time", mark.startup_time);
    to.number("process_id", mark.process_id);
    to.mark_value("value", mark.value, "As found: a number where it is one, else the text.");
    to.number("age_ms", mark.age_ms, "Since its value; null: its value is not a number.");
    to.word("outcome", mark.outcome);
    to.text("reason", mark.reason);
}

}  // namespace dsfailover
