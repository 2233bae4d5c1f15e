#include "base/terminal_text.h"
#include "fuzz.h"
#include "report/json_writer.h"

namespace dsfailover {

void try_input(std::string_view text) {
    const std::string shown = printable(text);
    require(printable(shown) == shown, "what can be shown stays");
    require(shown.find('\x1b') == std::string::npos, "no escape reaches a terminal");
    for (const std::size_t width : {1U, 2U, 7U, 80U})
        require(columns(cut_to_columns(shown, width)) <= width, "what was cut fits");
    std::string out;
    JsonWriter json(out);
    json.begin_object();
    json.field("said", text);
    json.end_object();
    require(is_json(out), "a report is JSON");
}

}  // namespace dsfailover
