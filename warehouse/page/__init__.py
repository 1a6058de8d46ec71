"""One HTML page that shows a region's published database without a network.

Belongs here: reading the figures that the page needs (``sql``), its messages (``words.json``), and
assembling it (``document.py``, ``client``, ``vendor``).
Does not belong here: computing what a figure means (the database has it), publishing, Dagster.

Apache ECharts draws the charts because its "common" bundle has 0.7 MB, draws SVG that scales and
prints, takes colours from style sheets (so dark, light and print need no redrawing), needs neither
``eval`` nor a network, and is an Apache project under this project's licence. Plotly's smallest
bundle has 1.2 MB, Vega compiles its expressions with ``eval``, Chart.js and uPlot draw pixels. No
Python package ships it, so the file is in ``vendor`` with its licences, from npm: ``npm pack
echarts``, then ``dist/echarts.common.min.js``. Data that is really a table (the week, sizes,
rankings) is an HTML table, which screen readers can read.
"""

from warehouse.page.document import Page, has_page, page_path, write_page

__all__ = ["Page", "has_page", "page_path", "write_page"]
