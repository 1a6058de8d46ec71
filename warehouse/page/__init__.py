"""One HTML page that shows a region's published database, without a network.

Belongs here: reading the figures that the page needs (``sql``), the words of its
head (``words.json``), and putting the page together (``document.py``, ``client``, ``vendor``).
Does not belong here: computing what a figure means (the database has it), publishing, Dagster.

Why Apache ECharts draws the charts: its "common" bundle is 0.7 MB, draws SVG that scales and
prints, takes colours from style sheets (so dark, light and print need no second drawing), needs
neither ``eval`` nor a network, is of the Apache foundation and has this project's licence. Plotly's
smallest bundle has 1.2 MB, Vega compiles its expressions with ``eval``, Chart.js and uPlot draw
pixels. No Python package carries it, so the file lies in ``vendor`` with its licences, from npm:
``npm pack echarts``, then ``dist/echarts.common.min.js``. What is a table at heart (the week,
sizes, rankings) is an HTML table, which a screen reader can read as it is.
"""

from warehouse.page.document import Page, has_page, page_path, write_page

__all__ = ["Page", "has_page", "page_path", "write_page"]
