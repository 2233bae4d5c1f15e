// Writes the sample reports as DIRECTORY/NAME.json, for an independent validator.
#include <fstream>
#include <iostream>

#include "report/print_report.h"
#include "sample_reports.h"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: write_sample_reports DIRECTORY\n";
        return 2;
    }
    for (const auto& [name, report] : dsfailover::sample_reports()) {
        std::ofstream out(std::string(argv[1]) + '/' + name + ".json");
        dsfailover::print_report(report, "json", out);
        out.close();
        if (!out) return 1;
    }
    return 0;
}
