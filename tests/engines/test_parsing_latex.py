"""LaTeX."""

from __future__ import annotations

from tests.engines.reading import Read, outline

SOURCE = r"""\documentclass{article} % a remark
\usepackage[utf8]{inputenc}
\title{A \emph{Study}}
\author{Ada \and Bo}
\begin{document}
\maketitle
\section{Caf\'e \& co}\label{sec:a}
Costs 5\,\% of \$9\footnote{Since \textbf{May}.}, see~\cite{knuth84} and \href{http://x.y}{the page}. Gr\"o\ss e --- ``so''.

Inline $a_1 \cdot b$ stays. \textcolor{red}{Red} \includegraphics[width=1cm]{a.png}
\begin{equation}\label{e}
E = mc^2
\end{equation}
\[ x = 1 \]
\begin{itemize}
  \item one
  \begin{enumerate}
    \item first
    \item second
  \end{enumerate}
  \item[Term] meaning
\end{itemize}
\begin{table}[h]
\centering
\begin{tabular}{l|cc}
\toprule
a & \multicolumn{2}{c}{b} \\
\midrule
\multirow{2}{*}{tall} & 1 & 2 \\ \hline
 & 3 & 4 \\
\bottomrule
\end{tabular}
\caption{The table}
\end{table}
\begin{verbatim}
  x % no remark
\end{verbatim}
\begin{comment}
unseen
\end{comment}
\iffalse unseen \else\fi
\subsection*{End}
\input{/etc/passwd}
Done.
\end{document}
unseen
"""


def test_latex(read: Read) -> None:
    document = read("a.tex", SOURCE.encode())
    assert outline(document) == [
        ("title", "A Study"),
        ("text", "Ada Bo"),
        ("title", "Café & co"),
        ("text", "Costs 5 % of $9, see [knuth84] and the page. Größe — “so”."),
        ("note", "Since May."),
        ("text", "Inline a_1 \\cdot b stays. Red"),
        ("formula", "E = mc^2"),
        ("formula", "x = 1"),
        ("list_item", "one"),
        ("list_item", "1. first"),
        ("list_item", "2. second"),
        ("list_item", "Term meaning"),
        ("table", "a | b | b\ntall | 1 | 2\ntall | 3 | 4"),
        ("caption", "The table"),
        ("code", "  x % no remark"),
        ("title", "End"),
        ("text", "Done."),
    ]
    assert document.metadata["title"] == "A Study"
    assert [element.level for element in document.elements if element.kind == "title"] == [1, 3, 4]
